"""The settings of a fit, and the starts it makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from sklearn.base import BaseEstimator  # pyright: ignore[reportMissingTypeStubs]

from .accelerate import ACCELERATORS, Accelerator
from .backend import Backend, backend_of
from .callbacks import Bar, Callback, Plan, Step
from .certificate import Status
from .climb import Evaluator, climb
from .fit import Fit, announce, assemble
from .model import Chunk, Model, Source
from .trace import Climb, ClimbState

P = TypeVar("P", bound=tuple[Any, ...])


class Whole:
    """A source of one chunk: itself, also as its sample."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk

    def chunks(self) -> Sequence[Chunk]:
        return [self.chunk]

    def sample(self, rng: np.random.Generator) -> Chunk:
        return self.chunk


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
    accelerate : {"auto", "quasi-newton", "squarem", "none"} or Accelerator, default="auto"
        How to go further than one EM step at a time.
    starts : int, default=1
        Independent starts; the best is kept.
    backend : {"threads", "serial"} or Backend, default="threads"
        Where the E-steps of the chunks run.
    workers : int, optional
        Threads; all cores by default. The result does not depend on it.
    progress : bool, default=False
        Draw a progress bar on standard error.
    callbacks : iterable of Callback, default=()
        Told of every step.
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
        backend: Any = "threads",
        workers: int | None = None,
        progress: bool = False,
        callbacks: Iterable[Callback] = (),
        on_degenerate: str = "raise",
    ) -> None:
        self.tol = tol
        self.max_iter = max_iter
        self.accelerate = accelerate
        self.starts = starts
        self.backend = backend
        self.workers = workers
        self.progress = progress
        self.callbacks = callbacks
        self.on_degenerate = on_degenerate

    def _settings(self) -> _Settings:
        return _Settings(
            tol=_number("tol", self.tol, 0.0),
            max_iter=_whole("max_iter", self.max_iter, 0),
            accelerator=_accelerator(self.accelerate),
            starts=_whole("starts", self.starts),
            backend=backend_of(self.backend, self.workers),
            callbacks=(*((Bar(),) if self.progress else ()), *self.callbacks),
            on_degenerate=_choice("on_degenerate", self.on_degenerate, ("raise", "status")),
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
            it had not stopped.

        Returns
        -------
        Fit

        Raises
        ------
        DegenerateFitError
            If every start collapsed and `on_degenerate` is "raise".
        ConstraintError
            If the model leaves its own space.
        """
        settings = self._settings()
        source = cast(Source, data if isinstance(data, Source) else Whole(data))
        chunks = [model.prepare(chunk) for chunk in source.chunks()]
        if not chunks or not any(len(chunk) for chunk in chunks):
            raise ValueError("got no units of data, expected at least one")
        generator = np.random.default_rng(rng)
        starts = _given_starts(start if resume is None else resume.params)
        earlier = None if resume is None else resume.climbs[resume.best].state
        state = None if earlier is None else earlier.afresh()
        children = generator.spawn(settings.starts if starts is None else len(starts))
        plan = Plan(type(model).__name__, len(children), settings.max_iter, settings.tol)
        climbs: list[Climb] = []
        try:
            for callback in settings.callbacks:
                callback.on_start(plan)
            with settings.backend.open(len(chunks)) as mapper:
                evaluator = Evaluator(model, chunks, mapper)
                interrupted = False
                for i, child in enumerate(children):
                    try:
                        if starts is None:
                            sample = model.prepare(source.sample(child))
                            first = model.start(sample, child, given)
                        else:
                            first = starts[i]
                        climbs.append(settings.climb(evaluator, first, i, state))
                        interrupted = climbs[-1].status is Status.INTERRUPTED
                    except KeyboardInterrupt:
                        if not climbs:
                            raise
                        interrupted = True
                    if interrupted:
                        break
            fit = assemble(model, climbs, len(children), settings.tol, interrupted=interrupted)
            for callback in settings.callbacks:
                callback.on_end(fit)
        finally:
            for callback in settings.callbacks:
                if isinstance(callback, Bar):
                    callback.close()
        announce(fit, settings.on_degenerate)
        return fit


@dataclass(frozen=True)
class _Settings:
    """A validated snapshot of `EM`."""

    tol: float
    max_iter: int
    accelerator: Accelerator[Any]
    starts: int
    backend: Backend
    callbacks: tuple[Callback, ...]
    on_degenerate: str

    def climb(
        self, evaluator: Evaluator, start: Any, index: int, state: ClimbState | None
    ) -> Climb:
        """Climb from one start."""
        return climb(
            evaluator,
            start,
            self.accelerator,
            self.tol,
            self.max_iter,
            self.tell,
            index,
            state,
        )

    def tell(self, step: Step) -> None:
        for callback in self.callbacks:
            callback.on_step(step)


def _number(name: str, value: object, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise TypeError(f"got {name}={value!r}, expected a number of at least {least:g}")
    number = float(cast(Any, value))
    if not (np.isfinite(number) and number >= least):
        raise ValueError(f"got {name}={value!r}, expected a finite number of at least {least:g}")
    return number


def _whole(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"got {name}={value!r}, expected a whole number of at least {least}")
    if value < least:
        raise ValueError(f"got {name}={value!r}, expected a whole number of at least {least}")
    return int(cast(Any, value))


def _choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"got {name}={value!r}, expected one of {', '.join(map(repr, allowed))}")
    return str(value)


def _accelerator(value: Any) -> Accelerator[Any]:
    if isinstance(value, Accelerator):
        return cast(Accelerator[Any], value)
    if isinstance(value, str) and value in ACCELERATORS:
        return ACCELERATORS[value]()
    names = ", ".join(map(repr, ACCELERATORS))
    raise ValueError(f"got accelerate={value!r}, expected one of {names} or an Accelerator")


def _given_starts(start: Any) -> list[Any] | None:
    if start is None:
        return None
    return [start] if hasattr(start, "_fields") else list(start)
