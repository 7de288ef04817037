"""Poisson counts."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, xlogy

from latentia.engine.space import Positive

from .cells import counted, ratio, shrunk, slope, summed
from .counts import count_fault, deviance, log_factorial, log_factorial_rest, over_counts
from .family import Family

Array = NDArray[np.float64]


class PoissonParams(NamedTuple):
    """Expected counts of each component and column, (K, d)."""

    rates: Array


class PoissonStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik.
    total : array of shape (K, d)
        sum_i r_ik x_ij.
    constant : array of shape (K, d)
        sum_i r_ik log x_ij!.
    """

    count: Array
    total: Array
    constant: Array


@final
class Poisson(Family[PoissonParams, PoissonStats]):
    """Counts with P(x) = exp(-λ) λ^x / x! in each column (Johnson, Kemp & Kotz 2005, eq. 4.1).

    Columns are independent given the component; missing cells (nan) are left out. A rate may be
    exactly 0, where a component makes no counts.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.

    Examples
    --------
    Deaths of women over 80 by day, two seasons (Hasselblad 1969):

    >>> import numpy as np
    >>> from latentia import EM
    >>> from latentia.data.arrays import Rows
    >>> from latentia.families import Poisson
    >>> from latentia.mixture import MixtureModel
    >>> from latentia.mixture.start import guesses
    >>> deaths = Rows.of(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
    >>> model = MixtureModel(Poisson(2), 2, lambda rows, rng: guesses(rows, 2, "kmeans", rng))
    >>> fit = EM(tol=1e-9).fit(model, deaths, rng=0)
    >>> np.sort(fit.params.components.rates.ravel()).round(4)
    array([1.2561, 2.6634])
    """

    takes_missing = True

    def __init__(self, n_components: int, n_features: int = 1) -> None:
        self.n_components, self.n_features = n_components, n_features

    @property
    def space(self) -> PoissonParams:
        return PoissonParams(cast(Any, Positive(exchangeable=(0,))))

    def start(self, x: Array, resp: Array) -> PoissonParams:
        return PoissonParams(shrunk(summed(x, resp), counted(x, resp)))

    def log_density(self, params: PoissonParams, x: Array) -> Array:
        def each(j: int, counts: Array) -> Array:
            return -deviance(counts, params.rates[:, j]) - log_factorial_rest(counts)

        return over_counts(x, each)

    def stats(self, params: PoissonParams, x: Array, resp: Array) -> PoissonStats:
        values = np.asarray(x, dtype=np.float64)
        logs = summed(log_factorial(values), resp)
        return PoissonStats(counted(values, resp), summed(values, resp), logs)

    def m_step(self, stats: PoissonStats, params: PoissonParams) -> PoissonParams:
        return PoissonParams(ratio(stats.total, stats.count, params.rates))

    def q(self, params: PoissonParams, stats: PoissonStats) -> float:
        count, total, constant = stats
        return float(np.sum(xlogy(total, params.rates) - count * params.rates - constant))

    def score(self, params: PoissonParams, stats: PoissonStats) -> PoissonParams:
        return PoissonParams(slope(stats.total, params.rates) - stats.count)

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return count_fault(x)

    def cdf(self, params: PoissonParams, x: Array) -> Array:
        below = gammaincc(np.maximum(np.floor(x), 0.0) + 1, params.rates[:, 0])
        return np.where(x < 0, 0.0, below)

    def draw(
        self, params: PoissonParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        return rng.poisson(params.rates[labels]).astype(np.float64)
