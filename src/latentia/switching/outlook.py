"""Distributions of responses to come: mixtures over states, or over paths of states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from latentia.mixture.distribution import quantile

Array = NDArray[np.float64]


class Outlook(ABC):
    """What is said of some steps to come; a leaf says how likely values are.

    Attributes
    ----------
    states : array of shape (r, K)
        P(state) of each of r steps, sequence after sequence.
    names : list of str
        Of the responses.
    """

    states: Array
    names: list[str]

    @abstractmethod
    def mean(self) -> Array:
        """Expected responses, shape (r, responses)."""

    @abstractmethod
    def variance(self) -> Array:
        """Variances of the responses, shape (r, responses)."""

    @abstractmethod
    def _below(self, x: Array, column: int) -> Array:
        """P(response <= x) of each step at points of its own, both (r, q)."""

    @abstractmethod
    def _dense(self, x: Array, column: int) -> Array:
        """The density, or probability, of each step at points of its own, both (r, q)."""

    def __len__(self) -> int:
        return len(self.states)

    def is_nominal(self, column: int) -> bool:
        """False: responses are numbers."""
        self._column(column)
        return False

    def density(self, x: ArrayLike, column: int = 0) -> Array:
        """The density of a response, or the probability of a count, (r, g) for x of shape (g,)."""
        return self._dense(self._grid(x), self._column(column))

    def cdf(self, x: ArrayLike, column: int = 0) -> Array:
        """P(response <= x), shape (r, g) for x of shape (g,)."""
        return self._below(self._grid(x), self._column(column))

    def quantile(self, p: ArrayLike, column: int = 0) -> Array:
        """The smallest x with P(response <= x) >= p, shape (r, q) for p of shape (q,).

        Raises
        ------
        ValueError
            If a probability is not between 0 and 1.
        """
        place, grid = self._column(column), self._grid(p)

        def below(x: Array) -> Array:
            return self._below(x.reshape(grid.shape), place).reshape(x.shape)

        return quantile(below, grid)

    def _grid(self, x: ArrayLike) -> Array:
        at = np.atleast_1d(np.asarray(x, dtype=np.float64)).ravel()
        return np.broadcast_to(at, (len(self), len(at)))

    def _column(self, column: int) -> int:
        if not 0 <= column < len(self.names):
            raise IndexError(f"got column {column}, expected one from 0 to {len(self.names) - 1}")
        return column


class ResponseLaw(NamedTuple):
    """A response of r steps in each of K states: the name of a regression's family, and numbers.

    Attributes
    ----------
    family : str
        A name in `regression.kinds.KINDS`.
    means : array of shape (r, K)
    dispersions : array of shape (K,) or (1,), or None
        Variances (gaussian), or shapes (gamma).
    trials : array of shape (r, 1), or None
        Of binomial responses.
    """

    family: str
    means: Array
    dispersions: Array | None
    trials: Array | None

    def frozen(self) -> Any:
        """SciPy's distributions, (r, 1, K) of them."""
        means, dispersions, trials = self.means[:, None], self.dispersions, self.trials
        if self.family == "gaussian" and dispersions is not None:
            return stats.norm(means, np.sqrt(dispersions))
        if self.family == "gamma" and dispersions is not None:
            return stats.gamma(dispersions, scale=means / dispersions)
        if self.family == "binomial" and trials is not None:
            n = trials[:, None]
            return stats.binom(n, means / np.where(n > 0, n, 1.0))
        return stats.poisson(means)


@final
class ResponseOutlook(Outlook):
    """Responses of regressions that switch: sum_k P(state k) f(y | x, k) of each step.

    Parameters
    ----------
    laws : sequence of ResponseLaw
        One a response.
    states : array of shape (r, K)
    names : sequence of str
        Of the responses.

    Examples
    --------
    >>> import numpy as np
    >>> two = ResponseLaw("poisson", np.array([[1.0, 9.0]]), None, None)
    >>> ahead = ResponseOutlook([two], np.array([[0.5, 0.5]]), ["count"])
    >>> ahead.mean(), ahead.variance(), ahead.quantile([0.5])
    (array([[5.]]), array([[21.]]), array([[3.]]))
    """

    def __init__(self, laws: Sequence[ResponseLaw], states: Array, names: Sequence[str]) -> None:
        self.laws, self.states, self.names = list(laws), states, [str(name) for name in names]
        self.frozen = [law.frozen() for law in laws]

    def mean(self) -> Array:
        each = [(self.states * law.means).sum(axis=1) for law in self.laws]
        return np.stack(each, axis=1)

    def variance(self) -> Array:
        squares = [(made.var() + made.mean() ** 2)[:, 0] for made in self.frozen]
        each = [(self.states * square).sum(axis=1) for square in squares]
        return np.stack(each, axis=1) - self.mean() ** 2

    def _below(self, x: Array, column: int) -> Array:
        return np.clip(self._mixed(self.frozen[column].cdf(x[:, :, None])), 0.0, 1.0)

    def _dense(self, x: Array, column: int) -> Array:
        made = self.frozen[column]
        height = made.pdf if hasattr(made.dist, "pdf") else made.pmf
        return self._mixed(height(x[:, :, None]))

    def _mixed(self, each: Array) -> Array:
        """What is known of each state, (r, q, K), over the states."""
        return (self.states[:, None] * each).sum(axis=2)


class NormalPaths(NamedTuple):
    """A step's value as a mixture of normal ones, one for each path of states to it.

    Attributes
    ----------
    weights, means, variances : arrays of shape (N,)
        Weights add up to one.
    """

    weights: Array
    means: Array
    variances: Array


@final
class SeriesOutlook(Outlook):
    """Values of a switching autoregression: given a path of states each is normal.

    Parameters
    ----------
    paths : sequence of NormalPaths
        One a step.
    states : array of shape (r, K)
    means, variances : arrays of shape (r,)
        Over all paths, exact also where `paths` were drawn.
    names : sequence of str
        Of the one column.
    exact : bool
        Whether `paths` are all there are.

    Attributes
    ----------
    exact : bool
    """

    def __init__(
        self,
        paths: Sequence[NormalPaths],
        states: Array,
        means: Array,
        variances: Array,
        names: Sequence[str],
        exact: bool,
    ) -> None:
        self.paths, self.states, self.exact = list(paths), states, exact
        self.means, self.variances = means, variances
        self.names = [str(name) for name in names]

    def mean(self) -> Array:
        return self.means[:, None]

    def variance(self) -> Array:
        return self.variances[:, None]

    def _below(self, x: Array, column: int) -> Array:
        return np.clip(self._mixed(stats.norm.cdf, x), 0.0, 1.0)

    def _dense(self, x: Array, column: int) -> Array:
        return self._mixed(stats.norm.pdf, x)

    def _mixed(self, of: Callable[..., Any], x: Array) -> Array:
        """What holds of normal values, over the paths of each step."""
        made = [
            path.weights @ of(at, path.means[:, None], np.sqrt(path.variances)[:, None])
            for at, path in zip(x, self.paths, strict=True)
        ]
        return np.stack(made)
