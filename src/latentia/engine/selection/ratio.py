"""The likelihood-ratio test by the parametric bootstrap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import joblib  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from ..cores import available_cores
from ..em import EM
from ..fit import DegenerateFitError, Fit
from ..inference.asked import listener, loadable, whole
from ..model import Chunk, Model, Source, source_of
from ..tree import Array, Tree
from .refit import Grow, Pair, Replicate, replicate, silent
from .sequential import enough_exceedances, p_value

SMALL_WORK = 3.0
"""Seconds of work below which processes cost more than they save."""

AHEAD = 4
"""Replicates that each process is given before it is asked whether to go on."""

Tell = Callable[[int, int, float], None]
"""Called with the replicates done, their number at most, and the latest statistic."""


@dataclass(frozen=True)
class LikelihoodRatio:
    """A bootstrap likelihood-ratio test.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood of the larger model.
    p_value : float
    level : float
    exceedances : int
        Replicates with at least this statistic, to within what the tolerance leaves.
    null : array of shape (n,)
        The statistics of the replicates that were made, in order; infinite where a fit collapsed.
    asked : int
        Replicates that would have been made at most.
    stopped_early : bool
    failed : int
        Replicates in which a fit collapsed; they count as exceedances.
    refitted : int
        Replicates whose larger fit ended below the smaller one and was made again from more starts.
    below : int
        Of these, how many stayed below; their statistic is 0.
    unconverged : int
        Replicates in which a fit stopped before it converged.
    smaller, larger : Fit
        To the data.
    """

    statistic: float
    p_value: float
    level: float
    exceedances: int
    null: Array
    asked: int
    stopped_early: bool
    failed: int
    refitted: int
    below: int
    unconverged: int
    smaller: Fit[Any]
    larger: Fit[Any]

    @property
    def replicates(self) -> int:
        """Replicates that were made."""
        return len(self.null)

    @property
    def rejected(self) -> bool:
        """Whether the smaller model is rejected at the level."""
        return self.p_value <= self.level

    @property
    def standard_error(self) -> float:
        """Of the p-value, from the number of replicates."""
        return math.sqrt(self.p_value * (1 - self.p_value) / self.replicates)

    def sentences(self) -> list[str]:
        """The test in plain words, a sentence an item."""
        n = self.replicates
        verdict = "is rejected" if self.rejected else "is not rejected"
        more = self.larger.n_free - self.smaller.n_free
        told = [
            f"The smaller model {verdict} at level {self.level:g}: p = {self.p_value:.3g}.",
            f"The larger model gains {self.statistic / 2:.4g} nats (statistic "
            f"{self.statistic:.4g}) for {more} more free parameters; {self.exceedances} of {n} "
            "data sets drawn from the smaller model gain as much.",
        ]
        if self.stopped_early:
            told.append(
                f"After {n} of {self.asked} replicates no further ones could lead to a rejection."
            )
        if self.failed:
            told.append(
                f"In {self.failed} of {n} replicates a fit collapsed; these count against the "
                "larger model."
            )
        if self.refitted:
            told.append(
                f"In {self.refitted} of {n} replicates the larger model ended below the smaller "
                f"one and was fitted from more starts; {self.below} stayed below."
            )
        if self.unconverged:
            told.append(f"In {self.unconverged} of {n} replicates a fit did not converge.")
        return told


def bootstrap_lrt(
    smaller: Model[Any, Any],
    larger: Model[Any, Any],
    data: Source | Chunk,
    em: EM | None = None,
    rng: np.random.Generator | int | None = None,
    *,
    replicates: int = 99,
    level: float = 0.05,
    stop_early: bool = True,
    grow: Grow | None = None,
    grown: int = 4,
    workers: int | None = None,
    callback: Tell | None = None,
) -> LikelihoodRatio:
    """Test a model against one that contains it, such as K components against K + 1.

    At the smaller model the larger one is not identified, so the statistic has no chi-square
    distribution. Its distribution is found by drawing data sets from the smaller model's fit and
    fitting both models to each (McLachlan 1987; McLachlan & Peel 2000, sec. 6.6). With b of B
    replicates at or above the statistic, p = (b + 1) / (B + 1).

    **Stopping early** (Besag & Clifford 1991): at the h-th replicate at or above the statistic,
    p = h / replicates so far. h is the least number after which the whole run could not reject,
    so the decision at `level` is always that of the whole run. There is no early stop
    towards rejection: it could save no more than a share `level` of the replicates, and would
    leave of p only that it is below `level`.

    **Fits.** To the data: the smaller model from ``em.starts`` cold starts; the larger from as many
    and from those that `grow` makes of the smaller one's fit. To each replicate: the smaller from
    the parameters that the data were drawn at, the larger as to the data. Where the larger ends
    below the smaller it is fitted again from four times as many starts. The p-value is that of this
    way of searching: with few starts local maxima are taken for global ones, and the result
    depends on where they begin (Seidel, Mosler & Alker 2000).

    Parameters
    ----------
    smaller, larger : Model
        The smaller defines `simulate`.
    data : Source or Chunk
        A weight counts as so many units if the model's `simulate` draws as many by weight, as
        mixtures do; otherwise repeat units.
    em : EM, optional
    rng : numpy.random.Generator or int, optional
        Replicate i uses child i + 1 and can be made alone.
    replicates : int, default=99
        At most. A number for which ``level * (replicates + 1)`` is whole wastes none.
    level : float, default=0.05
    stop_early : bool, default=True
    grow : callable, optional
        ``grow(params, rng)`` makes starting parameters of the larger model, or a list of them,
        from parameters of the smaller one, by splitting a component for instance. It should be
        bold: the maximum is often a few units far off, which no halving of a component leads to.
    grown : int, default=4
        How often `grow` is called.
    workers : int, optional
        Processes; by default all cores where the work takes longer than they need to start. The
        result has the same bits whatever their number.
    callback : callable, optional
        Called with (done, at most, statistic) after each replicate, in their order.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    ValueError
        If the settings make no sense, `simulate` overlooks weights, or the larger model does not
        fit the data as well as the smaller one.
    DegenerateFitError
        If a fit to the data collapsed.
    TypeError
        If the smaller model does not define `simulate`.
    """
    replicates = whole("replicates", replicates, 1)
    most = enough_exceedances(replicates, level)
    if workers is not None:
        workers = whole("workers", workers, 1)
    listener("callback", callback, "(done, at most, statistic)")
    source = source_of(data)
    children = np.random.default_rng(rng).spawn(1 + replicates)
    settings = EM() if em is None else em
    pair = Pair(smaller, larger, settings, grow, grown, 4 * max(settings.tol, 1e-9))
    began = time.perf_counter()
    first, second = _observed(pair, source, children[0])
    spent = time.perf_counter() - began
    statistic = max(2 * (second.loglik - first.loglik), 0.0)
    if workers is None:
        workers = 1 if spent * replicates < SMALL_WORK else available_cores()
    if workers > 1:
        pair = replace(pair, em=silent(settings, backend="serial"))  # one level of parallelism
    made: list[Replicate] = []
    exceedances = 0
    for one in _replicates(pair, first.params, source, children[1:], workers):
        made.append(one)
        exceedances += one.statistic >= statistic - 2 * pair.slack
        if callback is not None:
            callback(len(made), replicates, one.statistic)
        if stop_early and exceedances >= most:
            break
    return LikelihoodRatio(
        statistic=statistic,
        p_value=p_value(exceedances, len(made), replicates),
        level=level,
        exceedances=exceedances,
        null=np.array([one.statistic for one in made]),
        asked=replicates,
        stopped_early=len(made) < replicates,
        failed=sum(one.failed for one in made),
        refitted=sum(one.refitted for one in made),
        below=sum(one.below for one in made),
        unconverged=sum(not one.converged and not one.failed for one in made),
        smaller=first,
        larger=second,
    )


def _observed(pair: Pair, data: Source, rng: np.random.Generator) -> tuple[Fit[Any], Fit[Any]]:
    """Both models fitted to the data."""
    one, two, three, four = rng.spawn(4)
    smaller = pair.fit_smaller(data, one)
    if smaller is None:
        raise DegenerateFitError("the smaller model collapsed on the data; give it a simpler form")
    _require_as_many(pair.smaller, smaller, data, four)
    larger = pair.fit_larger(data, two, smaller.params)
    if larger is None:
        raise DegenerateFitError("the larger model collapsed on the data; give it a simpler form")
    if larger.loglik < smaller.loglik - pair.slack:
        larger = pair.fit_larger(data, three, smaller.params, rounds=4) or larger
    if larger.loglik < smaller.loglik - pair.slack:
        raise ValueError(
            f"got a larger model whose fit is {smaller.loglik - larger.loglik:.3g} nats below the "
            "smaller one's, expected one that contains it; raise starts, or give grow"
        )
    return smaller, larger


def _require_as_many(
    model: Model[Any, Any], fit: Fit[Any], data: Source, rng: np.random.Generator
) -> None:
    """Refuse a model that draws data of another size, as one may that overlooks weights."""
    drawn = [model.prepare(model.simulate(fit.params, chunk, rng)) for chunk in data.chunks()]
    n_units = sum(float(model.e_step(fit.params, chunk).n_units) for chunk in drawn)
    if abs(n_units - fit.n_units) > 1e-6 * fit.n_units:
        raise ValueError(
            f"got data sets of total weight {n_units:g} from {type(model).__name__}.simulate, "
            f"expected {fit.n_units:g} as in the data; repeat units instead of weighting them, or "
            "let simulate draw as many as there are by weight"
        )


def _replicates(
    pair: Pair, truth: Tree, data: Source, children: list[np.random.Generator], workers: int
) -> Iterator[Replicate]:
    """The replicates in the order of their generators, whoever makes them."""
    if workers == 1:
        for child in children:
            yield replicate(pair, truth, data, child)
        return
    task: Any = cast(Any, joblib).delayed(replicate)
    parallel: Any = cast(Any, joblib).Parallel(n_jobs=workers)
    with loadable(pair.smaller, workers), parallel as pool:  # the same processes for all batches
        batch = AHEAD * workers
        for at in range(0, len(children), batch):
            yield from pool(task(pair, truth, data, c) for c in children[at : at + batch])
