"""Climbs from starts that lie far apart: whether the likelihood has one top."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.engine import EM, NotConvergedWarning, Status

from . import draws
from .conditional import Normal
from .model import NormalModel

Array = NDArray[np.float64]

SAME = 1e-3
"""Nats below the best that count as the same top, where the tolerance is smaller."""


class Dispersion(NamedTuple):
    """Where climbs from starts far apart have ended.

    Attributes
    ----------
    fit_ : Fit
        Of the climbs, as the engine has it.
    short : array of shape (s,)
        Nats by which each ended below the best of all, the estimate among them.
    apart : array of shape (s,)
        How far the means and covariances it found are from those of the best: the largest
        difference in standard deviations of the columns.
    best : float
        The best objective.
    tolerance : float
        Nats that count as none.
    """

    fit_: Any
    short: Array
    apart: Array
    best: float
    tolerance: float

    @property
    def one_top(self) -> bool:
        """Whether all climbs have ended at the same height."""
        return bool((self.short <= self.tolerance).all())

    def __str__(self) -> str:
        climbs = self.fit_.climbs
        n, below = len(climbs), [self.best - each.trace.objective[0] for each in climbs]
        began = f"{n} climbs began {min(below):,.0f} to {max(below):,.0f} nats below the best"
        if self.one_top:
            return (
                f"{began} and all ended within {max(self.short.max(), 0):.1g} nats of it, their "
                f"parameters within {self.apart.max():.1g} standard deviations."
            )
        lower = int((self.short > self.tolerance).sum())
        unfinished = sum(each.status is not Status.CONVERGED for each in climbs)
        why = f" ({unfinished} did not converge)" if unfinished else ""
        return (
            f"{began}; {lower} ended lower, by up to {self.short.max():.3g} nats{why}, so there "
            "may be several tops: give a ridge, or fewer columns."
        )


def dispersed(
    model: NormalModel, rows: Any, found: Normal, em: EM, n_starts: int, rng: np.random.Generator
) -> Dispersion:
    """Climbs from starts far apart.

    Means are drawn three standard deviations wide, and covariances from Wishart's distribution of
    few degrees of freedom, their units up to e times too small or too large (after Honaker, King &
    Blackwell 2011, Journal of Statistical Software 45(7), sec. 5.3).

    Parameters
    ----------
    model : NormalModel
    rows : Rows or MeasuredRows
    found : Normal
        The estimate.
    em : EM
    n_starts : int
    rng : Generator
    """
    settings = {**em.get_params(deep=False), "on_degenerate": "status", "starts": 1}
    starts = [start(model, rng) for _ in range(n_starts)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        again = EM(**settings).fit(model, draws.source(rows), 0, start=found)
        fit = EM(**settings).fit(model, draws.source(rows), 0, start=starts)
    top = max((again, *fit.climbs), key=lambda each: each.objective)
    params: Any = top.params
    return Dispersion(
        fit,
        top.objective - np.array([each.objective for each in fit.climbs]),
        np.array([_apart(each.params, params) for each in fit.climbs]),
        float(top.objective),
        max(10 * em.tol, SAME),
    )


def start(model: NormalModel, rng: np.random.Generator) -> Normal:
    """Parameters drawn far from those of any rows."""
    origin, _, spread = model.frame
    d = len(spread)
    degrees = d + 3
    rows = rng.standard_normal((degrees, d))
    unit = spread * np.exp(rng.uniform(-1.0, 1.0, d))
    covariance = rows.T @ rows / degrees * np.outer(unit, unit)
    return Normal(origin + 3 * spread * rng.standard_normal(d), covariance)


def _apart(one: Any, other: Any) -> float:
    spread = np.sqrt(np.diagonal(other.covariance))
    mean = np.abs(one.mean - other.mean) / spread
    covariance = np.abs(one.covariance - other.covariance) / np.outer(spread, spread)
    return float(max(mean.max(), covariance.max()))
