"""The settings of a fit, and the starts it makes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator  # pyright: ignore[reportMissingTypeStubs]

from .asked import (
    accelerator_of,
    anneal_of,
    callbacks_of,
    check_call,
    choice,
    given_starts,
    number,
    path_of,
    race_of,
    same_place,
    warm_up_of,
    whole,
)
from .backend import backend_of
from .callbacks import Bar, Callback, Plan
from .checkpoint import Checkpoint
from .evaluator import Evaluator
from .fit import Fit, announce, assemble
from .identity import seed_of
from .model import Chunk, Model, Source, source_of
from .online.warm_up import WarmUp
from .rearrange import Rearranged, rearranged
from .starts import Runner, Settings, check_anneal

P = TypeVar("P", bound=tuple[Any, ...])


class EM(BaseEstimator):
    """How to climb: the settings that every model shares.

    Parameters
    ----------
    tol : float, default=1e-5
        Stop when the estimated gain that is left falls below this many nats of the whole
        objective. At 1e-5 no parameter is further than half a percent of its standard error
        from the maximum. 0 goes on to `max_iter` or to the rounding of the objective.
    max_iter : int, default=1000
        E-steps of each start, at most, after the one that evaluates the start itself.
    accelerate : str or Accelerator, default="auto"
        How to go further than one EM step at a time: "auto", "quasi-newton", "lbfgs", "anderson",
        "squarem", or "none" for EM itself.
    starts : int, default=1
        Independent starts; the best is kept.
    race : bool or float, default=False
        Judge the starts after 4, 10 and 30 E-steps and let only the highest go on: this share of
        them, a third for True, and of those on the same hill one. What is then left of about a
        third of the cost of climbing all is spent on the highest of the others.
    short_runs : int, default=0
        A race with one rung: each start takes so many E-steps and only the highest goes on
        (Biernacki, Celeux & Govaert 2003, em-EM). 0 does without.
    anneal : sequence of float, default=()
        Inverse temperatures, such as (0.3, 0.6, 1.0): five EM steps at each before the climb
        (Ueda & Nakano 1998), for models with a `tempered_e_step`.
    rearrange : int, default=0
        How often, at most, the best fit is rearranged and climbed from there: by models that
        have `rearrangements`, as mixtures do, which merge two components and split a third (Ueda,
        Nakano, Ghahramani & Hinton 2000). It ends where no higher maximum was found. Starts that
        are given, in whole or in part, stay as they are.
    warm_up : WarmUp, optional
        A few passes over the data by blocks before the climb.
    backend : {"threads", "serial"} or Backend, default="threads"
        Where the E-steps of the chunks run; with "threads" whole starts run side by side where
        there are fewer chunks than threads and E-steps take long.
    workers : int, optional
        Threads; all cores by default. The result does not depend on it.
    checkpoint : path-like, optional
        Keep the state of the fit in this file. The same call goes on from it, to the bit as if
        it had not been stopped, and answers from it once the fit is finished.
    every : float, default=30.0
        Seconds between two writes of the checkpoint, at least; 0 writes before every move.
    progress : bool, default=False
        Draw a progress bar on standard error.
    callbacks : iterable of Callback, default=()
        Told of every step, one call at a time.
    on_degenerate : {"raise", "status"}, default="raise"
        Whether a fit in which every start collapsed raises `DegenerateFitError` or returns
        with ``Status.DEGENERATE``.

    Examples
    --------
    >>> from latentia import EM, GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0, em=EM(tol=1e-9)).fit(X)
    >>> round(fitted.loglik_, 4)
    -1130.264
    """

    def __init__(
        self,
        tol: float = 1e-5,
        max_iter: int = 1000,
        accelerate: Any = "auto",
        starts: int = 1,
        race: bool | float = False,
        short_runs: int = 0,
        anneal: Sequence[float] = (),
        rearrange: int = 0,
        warm_up: WarmUp | None = None,
        backend: Any = "threads",
        workers: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        every: float = 30.0,
        progress: bool = False,
        callbacks: Iterable[Callback] = (),
        on_degenerate: str = "raise",
    ) -> None:
        self.tol = tol
        self.max_iter = max_iter
        self.accelerate = accelerate
        self.starts = starts
        self.race = race
        self.short_runs = short_runs
        self.anneal = anneal
        self.rearrange = rearrange
        self.warm_up = warm_up
        self.backend = backend
        self.workers = workers
        self.checkpoint = checkpoint
        self.every = every
        self.progress = progress
        self.callbacks = callbacks
        self.on_degenerate = on_degenerate

    def _settings(self) -> Settings:
        return Settings(
            tol=number("tol", self.tol, 0.0),
            max_iter=whole("max_iter", self.max_iter, 0),
            accelerator=accelerator_of(self.accelerate),
            starts=whole("starts", self.starts),
            race=race_of(self.race, self.short_runs),
            anneal=anneal_of(self.anneal),
            warm_up=warm_up_of(self.warm_up),
            backend=backend_of(self.backend, self.workers),
            callbacks=(*((Bar(),) if self.progress else ()), *callbacks_of(self.callbacks)),
            on_degenerate=choice("on_degenerate", self.on_degenerate, ("raise", "status")),
            checkpoint=path_of(self.checkpoint),
            every=number("every", self.every, 0.0),
            rearrange=whole("rearrange", self.rearrange, 0),
        )

    def fit(
        self,
        model: Model[P, Any],
        data: Source | Chunk,
        rng: np.random.Generator | int | None = None,
        *,
        start: P | Sequence[P] | None = None,
        given: P | None = None,
        resume: Fit[P] | None = None,
    ) -> Fit[P]:
        """Fit a model.

        Parameters
        ----------
        model : Model
        data : Source or Chunk
        rng : numpy.random.Generator or int, optional
            Start i uses the i-th child of this generator, so each start can be made alone.
        start : params or list of params, optional
            Start here instead of where ``model.start`` says.
        given : params, optional
            Passed on to ``model.start``: parameters that starts are to respect.
        resume : Fit, optional
            Go on from the best climb of an earlier fit of the same model to the same data, as if
            it had not stopped. Excludes a `start` elsewhere.

        Returns
        -------
        Fit

        Raises
        ------
        TypeError, ValueError
            If a setting or an argument is not what is expected.
        DegenerateFitError
            If every start collapsed and `on_degenerate` is "raise".
        ConstraintError
            If the model leaves its own space.
        CheckpointError
            If the checkpoint is damaged, or that of another fit.
        """
        return self._fit(model, data, rng, start, given, resume, None)

    def fit_start(
        self,
        model: Model[P, Any],
        data: Source | Chunk,
        rng: np.random.Generator | int | None = None,
        *,
        index: int,
        given: P | None = None,
    ) -> Fit[P]:
        """Run one of the starts by itself, to its end.

        Parameters
        ----------
        model, data, rng, given
            As in `fit`.
        index : int
            Which start, from 0.

        Returns
        -------
        Fit
            Its one climb has the bits of ``fit(...).climbs[index]``; a start that lost a race
            goes on from where it was left.

        Examples
        --------
        >>> from latentia import EM, datasets
        >>> from latentia.data.arrays import Frame, Rows
        >>> from latentia.families.covariance import STRUCTURES
        >>> from latentia.families.gaussian import Gaussian
        >>> from latentia.mixture import MixtureModel
        >>> from latentia.mixture.start import guesses
        >>> rows = Rows.of(datasets.load("galaxies").values)
        >>> family = Gaussian(3, STRUCTURES["full"], Frame.of(rows))
        >>> model = MixtureModel(family, 3, lambda rows, rng: guesses(rows, 3, "random", rng))
        >>> together = EM(starts=4).fit(model, rows, 0)
        >>> alone = EM().fit_start(model, rows, 0, index=2)
        >>> alone.objective == together.climbs[2].objective
        True
        """
        return self._fit(model, data, rng, None, given, None, whole("index", index, 0))

    def _fit(
        self,
        model: Model[P, Any],
        data: Source | Chunk,
        rng: np.random.Generator | int | None,
        start: P | Sequence[P] | None,
        given: P | None,
        resume: Fit[P] | None,
        only: int | None,
    ) -> Fit[P]:
        settings = self._settings()
        if only is not None:
            settings = replace(settings, race=None, starts=1, rearrange=0)
        check_call(model, data, resume)
        check_anneal(model, settings)
        source = source_of(data)
        kept = None if settings.checkpoint is None else Checkpoint(settings)
        generator = np.random.default_rng(rng)
        if kept is not None and rng is None:
            generator = kept.generator() or generator
        starts = given_starts(model.space, start)
        if resume is not None:
            if starts is not None and not same_place(starts, resume.params):
                raise ValueError(
                    "got start= and resume= with other parameters, expected one of the two"
                )
            starts = [resume.params]
        earlier = None if resume is None else resume.climbs[resume.best].state
        state = None if earlier is None else earlier.afresh(model.space, settings.accelerator)
        numbers = range(settings.starts if starts is None else len(starts))
        numbers = numbers if only is None else [only]
        seed = seed_of(generator)
        children = generator.spawn(max(numbers) + 1)

        @lru_cache(1)  # the first is looked at before its climb
        def made(i: int) -> tuple[Any, np.random.Generator]:
            child = deepcopy(children[numbers[i]])
            if starts is not None:
                return starts[i], child
            sample = model.prepare(source.sample(child))
            return model.start(sample, child, given), child

        def make(i: int) -> tuple[Any, np.random.Generator]:
            first, child = made(i)
            return first, deepcopy(child)

        plan = Plan(type(model).__name__, len(numbers), settings.max_iter, settings.tol)
        try:
            for callback in settings.callbacks:
                callback.on_start(plan)
            with settings.backend.open(model, source) as mapper:
                if not any(len(chunk) for chunk in mapper.chunks):
                    raise ValueError("got no units of data, expected at least one")
                evaluator = Evaluator(mapper)
                keep = None if kept is None else kept.keep
                runner = Runner(settings, evaluator, make, numbers, state, keep)
                if kept is not None:
                    kept.open(evaluator, make, seed, (starts, given, state, only))
                    if kept.progress is not None:
                        runner.take_up(kept.progress)
                interrupted = runner.run()
                more = Rearranged([], 0, interrupted)
                if settings.rearrange and starts is None and given is None and not interrupted:
                    (child,) = generator.spawn(1)
                    sample = model.prepare(source.sample(deepcopy(child)))
                    more = rearranged(settings, evaluator, runner.climbs, sample, child)
            fit = assemble(
                model,
                [*runner.climbs, *more.climbs],
                len(numbers) + len(more.climbs),
                settings.tol,
                interrupted=more.interrupted,
                n_steps=runner.n_steps + more.n_steps,
                n_rearranged=len(more.climbs),
            )
            for callback in settings.callbacks:
                callback.on_end(fit)
        finally:
            for callback in settings.callbacks:
                if isinstance(callback, Bar):
                    callback.close()
        announce(fit, settings.on_degenerate)
        return fit
