"""Both models of a likelihood-ratio test fitted to one data set, in the same way each time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from ..certificate import Status
from ..em import EM
from ..evaluator import FAILURES
from ..fit import DecreasedWarning, DegenerateFitError, Fit, NotConvergedWarning
from ..model import Chunk, Model, Source
from ..tree import Tree

Grow = Callable[[Any, np.random.Generator], Any]
"""One or several starting parameters of the larger model from parameters of the smaller one."""

REFIT_FAILURES = (*FAILURES, DegenerateFitError)


def silent(em: EM, **changed: Any) -> EM:
    """The same settings for a fit inside something else: it says, draws and writes nothing."""
    known: dict[str, Any] = cast(Any, em).get_params(deep=False)
    quiet: dict[str, Any] = {
        "callbacks": (),
        "progress": False,
        "on_degenerate": "status",
        "checkpoint": None,
        **changed,
    }
    return EM(**{**known, **{name: value for name, value in quiet.items() if name in known}})


@dataclass(frozen=True)
class Pair:
    """What is fitted to each data set, and how.

    Attributes
    ----------
    smaller, larger : Model
    em : EM
        Its number of starts is that of the larger model's cold starts.
    grow : callable or None
    grown : int
        How often `grow` is called.
    slack : float
        Differences of two log-likelihoods below this are what the tolerance leaves.
    """

    smaller: Model[Any, Any]
    larger: Model[Any, Any]
    em: EM
    grow: Grow | None
    grown: int
    slack: float

    def fit_smaller(
        self, data: Source, rng: np.random.Generator, start: Tree | None = None
    ) -> Fit[Any] | None:
        """From `start`, or cold; None where it collapsed."""
        return self._fit(self.smaller, data, rng, None if start is None else [start])

    def fit_larger(
        self, data: Source, rng: np.random.Generator, smaller: Tree, rounds: int = 1
    ) -> Fit[Any] | None:
        """The best of cold starts and of starts grown from the smaller model's fit."""
        warm, cold = rng.spawn(2)
        found: list[Fit[Any] | None] = []
        if self.grow is not None:
            children = warm.spawn(self.grown * rounds)
            starts = [start for child in children for start in _several(self.grow(smaller, child))]
            found.append(self._fit(self.larger, data, warm, starts))
        found.append(self._fit(self.larger, data, cold, None, rounds))
        fits = [fit for fit in found if fit is not None]
        return max(fits, key=lambda fit: fit.loglik, default=None)

    def _fit(
        self,
        model: Model[Any, Any],
        data: Source,
        rng: np.random.Generator,
        starts: Sequence[Tree] | None,
        rounds: int = 1,
    ) -> Fit[Any] | None:
        em = silent(self.em, starts=self.em.starts * rounds)
        try:
            with warnings.catch_warnings():
                for category in (NotConvergedWarning, DecreasedWarning):
                    warnings.simplefilter("ignore", category)  # counted instead
                fit = em.fit(model, data, rng, start=starts)
        except REFIT_FAILURES:
            return None
        if fit.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return None if fit.status is Status.DEGENERATE else fit


def _several(grown: Any) -> list[Tree]:
    one = hasattr(grown, "_fields") or not hasattr(grown, "__iter__")
    starts: list[Any] = [grown] if one else list(grown)
    if not starts or not all(hasattr(start, "_fields") for start in starts):
        raise TypeError(
            f"got {grown!r} from grow, expected starting parameters of the larger model, or a list "
            "of them"
        )
    return starts


class Replicate(NamedTuple):
    """One replicate of the null distribution.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood; infinite where a fit collapsed, so that it counts
        against the larger model.
    refitted : bool
        Whether the larger model was refitted from more starts, since it ended below the smaller.
    below : bool
        Whether it stayed below all the same; the statistic is then 0.
    failed : bool
    converged : bool
        Whether both fits did.
    """

    statistic: float
    refitted: bool
    below: bool
    failed: bool
    converged: bool


class Simulated:
    """Chunks drawn from a model, as a source; several make their starts of a further draw."""

    def __init__(self, chunks: list[Chunk], sample: Chunk) -> None:
        self.drawn, self.looked_at = chunks, sample

    def chunks(self) -> Sequence[Chunk]:
        return self.drawn

    def sample(self, rng: np.random.Generator) -> Chunk:
        return self.looked_at


def replicate(pair: Pair, truth: Tree, data: Source, rng: np.random.Generator) -> Replicate:
    """Draw data from the smaller model at `truth`, and fit both models to them.

    The smaller is fitted from `truth`, which is as near to its maximum as a start can be; the
    larger as it was to the data.
    """
    drawing, first, second, third = rng.spawn(4)
    chunks = [pair.smaller.simulate(truth, chunk, drawing) for chunk in data.chunks()]
    if len(chunks) == 1:
        sample = chunks[0]
    else:
        sample = pair.smaller.simulate(truth, data.sample(drawing), drawing)
    drawn = Simulated(chunks, sample)
    smaller = pair.fit_smaller(drawn, first, truth)
    larger = None
    if smaller is not None:
        larger = pair.fit_larger(drawn, second, smaller.params)
    if smaller is None or larger is None:
        return Replicate(np.inf, False, False, True, False)
    refitted = larger.loglik < smaller.loglik - pair.slack
    if refitted:
        again = pair.fit_larger(drawn, third, smaller.params, rounds=4)
        if again is not None and again.loglik > larger.loglik:
            larger = again
    below = larger.loglik < smaller.loglik - pair.slack
    converged = smaller.status is larger.status is Status.CONVERGED
    statistic = max(2 * (larger.loglik - smaller.loglik), 0.0)
    return Replicate(statistic, refitted, below, False, converged)
