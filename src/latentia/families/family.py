"""A family: the densities of all K components at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows

from .predictor import Gate, GateSums

Array = NDArray[np.float64]
F = TypeVar("F", bound=tuple[Any, ...])
S = TypeVar("S", bound=tuple[Any, ...])


class MixturePass(NamedTuple):
    """What one E-step of an independent mixture makes of some rows.

    Attributes
    ----------
    loglik : float
        sum_i w_i log sum_k weight_k f(x_i | k).
    count : array of shape (K,)
        sum_i w_i resp[i, k].
    stats : NamedTuple
        The family's statistics.
    """

    loglik: float
    count: Array
    stats: Any


class GatedPass(NamedTuple):
    """What one E-step makes of some rows where covariates decide the weights.

    Attributes
    ----------
    loglik : float
    gate : GateSums
        Of the weights.
    stats : NamedTuple
        The family's statistics.
    """

    loglik: float
    gate: GateSums
    stats: Any


class Family(ABC, Generic[F, S]):
    """Densities f(x | component k), k = 1..K, for mixtures and every other latent structure.

    Parameters F and statistics S are NamedTuples of arrays. The expected complete-data
    log-likelihood q = sum_i sum_k resp[i, k] log f(x_i | k) is linear in the statistics.
    Rows are in the user's units.

    Where no finite statistics exist (a shape whose likelihood sums a function of it over the
    rows), statistics are value, gradient and curvature of q in the parameters that made them,
    taken as a quadratic in the parameters themselves: they add up over rows, q stays linear in
    them, and the M-step is a Newton step; `m_step_exact` is then False.

    Attributes
    ----------
    n_components : int
    m_step_exact : bool
        False where `m_step` is a Newton step that need not maximise q.
    takes_missing : bool
        Whether cells may be nan: they are integrated out.
    n_gauge : int
        Directions in the parameters that no density sees, as a rotation of loadings.
    """

    n_components: int
    m_step_exact: bool = True
    takes_missing: bool = False
    n_gauge: int = 0

    @property
    @abstractmethod
    def space(self) -> F:
        """A Constraint at each parameter."""

    @abstractmethod
    def start(self, x: Array, resp: Array) -> F:
        """Parameters to start from, given weighted responsibilities of shape (n, K).

        A component with too few rows borrows from the others.
        """

    @abstractmethod
    def log_density(self, params: F, x: Array) -> Array:
        """log f(x_i | k), shape (n, K)."""

    @abstractmethod
    def stats(self, params: F, x: Array, resp: Array) -> S:
        """Sufficient statistics, rows weighted by `resp` of shape (n, K)."""

    @abstractmethod
    def m_step(self, stats: S, params: F) -> F:
        """The parameters that maximise q; `params` are those that made the statistics."""

    @abstractmethod
    def q(self, params: F, stats: S) -> float:
        """sum_i sum_k resp[i, k] log f(x_i | k), constants kept."""

    @abstractmethod
    def score(self, params: F, stats: S) -> F:
        """Gradient of `q` in the entries of the parameters."""

    @property
    def name(self) -> str:
        """What sentences call it."""
        return type(self).__name__

    def prepare(self, rows: Rows) -> Any:
        """Rows with what is worth knowing of them once a fit; as a chunk of theirs."""
        return rows

    def at(self, params: F, x: Array) -> tuple[Array, Callable[[Array], S]]:
        """`log_density` of rows, and what makes `stats` of their memberships.

        For families that would do the same work twice; arrays of the first are not to be changed.
        """
        return self.log_density(params, x), lambda resp: self.stats(params, x, resp)

    def mixture_pass(self, params: F, weights: Array, rows: Any) -> MixturePass | None:
        """The E-step of a mixture with these weights, fused; None where there is no such form.

        The caller then goes by `log_density` and `stats`.
        """
        return None

    def gates(self, n_rows: int, n_covariates: int) -> bool:
        """Whether `gated_pass` has a form for chunks of so many rows."""
        return False

    def gated_pass(self, params: F, gate: Gate, z: Array, rows: Any) -> GatedPass | None:
        """`mixture_pass` where covariates z, (n, q), decide the weights, of prepared rows.

        None where that fails; the caller then goes by `log_density` and `stats`.
        """
        return None

    @property
    def has_prior(self) -> bool:
        """Whether `log_prior` is more than zero."""
        return False

    def log_prior(self, params: F) -> float:
        """Logarithm of a prior density of the parameters, which `m_step` then counts in."""
        return 0.0

    def prior_score(self, params: F) -> F | None:
        """Gradient of `log_prior` in the entries of `params`; None where there is no prior."""
        return None

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        """The first cell that no component could make, by row and column, and what is expected.

        The sentence's end, as in "expected a whole number of at least 0". None where all rows
        are in the support; nan is not looked at.
        """
        return None

    def cdf(self, params: F, x: Array) -> Array:
        """P(X <= x_i | k) for a family of one column, shape (n, K); nan where x is."""
        raise TypeError(f"{self.name} does not define a distribution function")

    def draw(self, params: F, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """A row in the user's units from the component of each label, shape (n, ...)."""
        raise TypeError(f"{self.name} does not define draw, which makes new rows")

    def redraw(
        self, params: F, x: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """New rows in place of `x`, with what is given in them, if anything is, left as it was.

        A regression's design is given.
        """
        return self.draw(params, labels, rng)

    def expected(self, params: F, x: Array) -> Array:
        """The rows with what is missing as each component expects it, shape (n, K, d)."""
        raise TypeError(
            f"{self.name} does not define expectations of missing cells; draw them "
            "with sample_imputations"
        )

    def completed(
        self, params: F, x: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """The rows with what is missing drawn, given the rest, from the component of each label.

        Where columns depend on one another given the component, a family has to say how.
        """
        return np.where(np.isnan(x), self.draw(params, labels, rng), x)
