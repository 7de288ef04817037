"""How long states last: laws of durations 1, 2, ..., made of families of counts and of times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentia.families.categorical import Categorical
from latentia.families.exponential import Exponential
from latentia.families.family import Family
from latentia.families.gamma import Gamma
from latentia.families.lognormal import LogNormal
from latentia.families.negative_binomial import NegativeBinomial
from latentia.families.poisson import Poisson
from latentia.families.weibull import Weibull

Array = NDArray[np.float64]

LAWS = ("geometric", "poisson", "negative_binomial", "gamma", "weibull", "log_normal", "free")
"""The names of laws.

Poisson and negative binomial ones are shifted to begin at 1. Gamma, Weibull and log-normal ones
are a time rounded up to whole steps; so is the geometric, of an exponential time.
"""

COUNTS: dict[str, Any] = {"poisson": Poisson, "negative_binomial": NegativeBinomial}
TIMES: dict[str, Any] = {
    "geometric": Exponential,
    "gamma": Gamma,
    "weibull": Weibull,
    "log_normal": LogNormal,
}

BEYOND = 10
"""Durations of counts are looked at up to so many times the longest sequence, if not told."""


class DurationLaw(ABC):
    """P(duration = u | state k), u = 1, ..., and P(duration >= u | k).

    Statistics are those of the family that it is made of.

    Attributes
    ----------
    family : Family
        Of K components.
    longest : int
        D: how many durations the recursions ask for.
    """

    family: Family[Any, Any]
    longest: int

    @property
    def space(self) -> Any:
        return self.family.space

    @abstractmethod
    def logs(self, params: Any) -> tuple[Array, Array]:
        """log P(duration = u) and log P(duration >= u), u = 1, ..., D, both (D, K)."""

    @abstractmethod
    def start(self, ended: Array) -> Any:
        """Parameters to start from, given weighted durations (D, K)."""

    @abstractmethod
    def stats(self, params: Any, ended: Array, cut: Array) -> Any:
        """Statistics of durations that ended and of such as were cut short, both (D, K)."""

    @abstractmethod
    def cumulative(self, params: Any, most: int) -> Array:
        """P(duration <= u), u = 1, ..., most, shape (most, K)."""

    def m_step(self, stats: Any, params: Any) -> Any:
        """The parameters that maximise q; `params` are those that made the statistics."""
        return self.family.m_step(stats, params)

    def q(self, params: Any, stats: Any) -> float:
        """Expected log-probability of all durations."""
        return self.family.q(params, stats)

    def score(self, params: Any, stats: Any) -> Any:
        """Gradient of `q` in the entries of the parameters."""
        return self.family.score(params, stats)

    def means(self, params: Any) -> Array:
        """E[duration] of each state, (K,), of those up to ten times the longest that are asked."""
        below = self.cumulative(params, BEYOND * self.longest)
        return 1 + (1 - below).sum(axis=0)


@final
class CountLaw(DurationLaw):
    """duration - 1 is a count of a family: Poisson, negative binomial, or a code with its own.

    Of a segment that was cut short the duration is completed: its expectation given that it
    lasts at least so long is part of the statistics. Durations beyond `most` are impossible.

    Parameters
    ----------
    family : Family
        Of counts, one column.
    longest, most : int

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Poisson
    >>> from latentia.families.poisson import PoissonParams
    >>> law = CountLaw(Poisson(1), 3, 200)
    >>> pmf, survival = law.logs(PoissonParams(np.array([[2.0]])))
    >>> np.exp(pmf).round(3).ravel(), np.exp(survival).round(3).ravel()
    (array([0.135, 0.271, 0.271]), array([1.   , 0.865, 0.594]))
    """

    def __init__(self, family: Family[Any, Any], longest: int, most: int) -> None:
        self.family, self.longest, self.most = family, longest, most
        self.rows = np.arange(most, dtype=np.float64)[:, None]

    def _logs(self, params: Any) -> tuple[Array, Array]:
        pmf = self.family.log_density(params, self.rows)
        survival = np.logaddexp.accumulate(pmf[::-1], axis=0)[::-1]
        return pmf, survival

    def logs(self, params: Any) -> tuple[Array, Array]:
        pmf, survival = self._logs(params)
        return pmf[: self.longest], survival[: self.longest]

    def _padded(self, counts: Array) -> Array:
        return np.pad(counts, [(0, self.most - len(counts)), (0, 0)])

    def start(self, ended: Array) -> Any:
        return self.family.start(self.rows, self._padded(ended))

    def stats(self, params: Any, ended: Array, cut: Array) -> Any:
        pmf, survival = self._logs(params)
        with np.errstate(divide="ignore"):
            log_cut = self._padded(cut)
            share = np.where(log_cut > 0, np.log(log_cut) - survival, -np.inf)
        # of those cut at r <= u, the share d(u) / S(r) lasts u
        waiting = np.logaddexp.accumulate(share, axis=0) + pmf
        return self.family.stats(params, self.rows, self._padded(ended) + np.exp(waiting))

    def cumulative(self, params: Any, most: int) -> Array:
        rows = self.rows[: min(most, self.most)]
        below = np.cumsum(np.exp(self.family.log_density(params, rows)), axis=0)
        return np.pad(np.minimum(below, 1.0), [(0, most - len(rows)), (0, 0)], mode="edge")


@final
class TimeLaw(DurationLaw):
    """duration = ⌈T⌉ of a positive time T of a family: P(u) = F(u) - F(u - 1).

    Parameters
    ----------
    family : Family
        Of times known up to intervals, one column.
    longest : int

    Examples
    --------
    A rounded exponential is geometric:

    >>> import numpy as np
    >>> from latentia.families import Exponential
    >>> from latentia.families.exponential import ExponentialParams
    >>> law = TimeLaw(Exponential(1, censored=True), 3)
    >>> pmf, survival = law.logs(ExponentialParams(np.array([[np.log(2)]])))
    >>> np.exp(pmf).round(3).ravel(), np.exp(survival).round(3).ravel()
    (array([0.5  , 0.25 , 0.125]), array([1.  , 0.5 , 0.25]))
    """

    def __init__(self, family: Family[Any, Any], longest: int) -> None:
        self.family, self.longest = family, longest
        ends = np.arange(longest + 1, dtype=np.float64)
        within = np.column_stack([ends[:-1], ends[1:]])
        beyond = np.column_stack([ends[1:-1], np.full(longest - 1, np.inf)])
        self.rows = np.vstack([within, beyond])  # no row says that a duration is 1 or more

    def logs(self, params: Any) -> tuple[Array, Array]:
        made = self.family.log_density(params, self.rows)
        pmf = made[: self.longest]
        return pmf, np.vstack([np.zeros((1, pmf.shape[1])), made[self.longest :]])

    def start(self, ended: Array) -> Any:
        return self.family.start(self.rows[: self.longest], ended)

    def stats(self, params: Any, ended: Array, cut: Array) -> Any:
        return self.family.stats(params, self.rows, np.vstack([ended, cut[1:]]))

    def cumulative(self, params: Any, most: int) -> Array:
        beyond = np.column_stack([np.arange(1.0, most + 1), np.full(most, np.inf)])
        return -np.expm1(self.family.log_density(params, beyond))


def made(name: str, n_states: int, longest: int, most: int | None) -> DurationLaw:
    """The law of a name.

    Parameters
    ----------
    name : str
        One of `LAWS`.
    n_states : int
    longest : int
        Steps of the longest sequence.
    most : int, optional
        The longest duration there can be.
    """
    asked = longest if most is None else min(longest, most)
    if name in TIMES:
        return TimeLaw(TIMES[name](n_states, censored=True), asked)
    if name in COUNTS:
        far = BEYOND * longest if most is None else most
        return CountLaw(COUNTS[name](n_states), asked, max(far, 2))
    far = max(asked if most is None else most, 2)
    return CountLaw(Categorical(n_states, [far]), asked, far)
