"""`GMMHMM`: a hidden Markov model whose states are mixtures of normal densities."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from latentia.engine import EM
from latentia.families import registry
from latentia.families.family import Family
from latentia.families.gaussian_mixtures import (
    KINDS,
    GaussianMixtures,
    GaussianMixturesParams,
    GaussianMixturesStats,
)

from .arguments import SHARED, broadcast
from .dropin import HmmlearnEstimator
from .normal import covariances_of, imagined, unframed
from .probabilities import counts_of

Array = NDArray[np.float64]


@final
class GMMHMM(HmmlearnEstimator):
    """Each state a mixture of normal densities: a drop-in for ``hmmlearn.hmm.GMMHMM``.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    n_mix : int, default=1
        Densities of each state, M.
    min_covar : float, default=1e-3
        What starts add to the variances. It has no say later: there is no floor.
    startprob_prior, transmat_prior, weights_prior : float or array, default=1.0
        Parameters of Dirichlet priors, at least 1; 1 is no prior.
    means_prior, means_weight : float or array, default=0.0
        The prior mean of each density's mean, and steps imagined there; 0 is no prior.
    covars_prior, covars_weight : float or array, optional
        hmmlearn's priors of the covariances, which are off by default: inverse Wishart
        ("full", "tied") with squares `covars_prior` and `covars_weight` + d + 2 steps (for "tied"
        + M + d + 1 a state); else inverse gamma with squares 2 `covars_weight` and 2
        `covars_prior` + 3 steps ("spherical": 1 + 2 (`covars_prior` + 1) / d).
    algorithm, random_state, n_iter, tol, verbose, implementation, em
        As in `PoissonHMM`.
    covariance_type : {"diag", "full", "spherical", "tied"}, default="diag"
        "tied" is one matrix for all densities of a state.
    params, init_params : str, default="stmcw"
        As in `PoissonHMM`, with m(eans), c(ovariances) and w(eights).

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
    weights_ : array of shape (K, M)
    means_ : array of shape (K, M, d)
    covars_ : array
        (K, M, d, d) for "full", (K, d, d) for "tied", (K, M, d) for "diag", (K, M) for
        "spherical".
    monitor_ : Monitor
    n_features : int
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `HiddenMarkov`.

    Notes
    -----
    hmmlearn's formulas for m = `means_weight`, squares S and c steps of a covariance are the
    maximum under a density of log-height -m / 2 · (mean - `means_prior`)ᵀ Σ⁻¹ (the same)
    - tr(S Σ⁻¹) / 2 - c / 2 · log |Σ|, short of a constant, summed over densities ("tied": S and c
    once a state). That is the prior here. hmmlearn takes the scatter about means as they were
    before the step, which is no maximum; here it is about the new ones.

    Examples
    --------
    One state of two clusters, on either side of the other:

    >>> import numpy as np
    >>> from latentia.hmm import GMMHMM
    >>> rng = np.random.default_rng(0)
    >>> middle, outside = rng.normal(size=60), rng.normal(rng.choice([-9.0, 9.0], 60))
    >>> X = np.concatenate([middle[:30], outside, middle[30:]])[:, None]
    >>> model = GMMHMM(2, n_mix=2, random_state=0).fit(X)
    >>> states = model.predict(X)
    >>> bool((states[:30] == states[90:]).all() and (states[:30] != states[30:60]).all())
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        **SHARED,
        "n_mix": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(KINDS))],
        "min_covar": [Interval(Real, 0.0, None, closed="left")],
        "weights_prior": "no_validation",
        "means_prior": "no_validation",
        "means_weight": "no_validation",
        "covars_prior": "no_validation",
        "covars_weight": "no_validation",
    }

    weights_: Any
    means_: Any
    covars_: Any

    def __init__(
        self,
        n_components: int = 1,
        n_mix: int = 1,
        min_covar: float = 1e-3,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        weights_prior: Any = 1.0,
        means_prior: Any = 0.0,
        means_weight: Any = 0.0,
        covars_prior: Any = None,
        covars_weight: Any = None,
        algorithm: str = "viterbi",
        covariance_type: str = "diag",
        random_state: Any = None,
        n_iter: int | None = None,
        tol: float = 1e-2,
        verbose: bool = False,
        params: str = "stmcw",
        init_params: str = "stmcw",
        implementation: str = "log",
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_mix = n_mix
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.weights_prior = weights_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.algorithm = algorithm
        self.covariance_type = covariance_type
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.em = em

    @property
    def _letters(self) -> Mapping[str, tuple[str, str]]:
        return {
            "w": ("weights_", "weights"),
            "m": ("means_", "means"),
            "c": ("covars_", "covariances"),
        }

    def _specification(self) -> Any:
        told = f"n_mix={self.n_mix}, covariance_type={self.covariance_type!r}, reg_covar=0.0"
        return f"gaussian_mixtures({told})"

    def _parts_of_attributes(self) -> tuple[registry.Part, ...]:
        return unframed(self._specification(), np.shape(self.means_)[-1])

    def _read_attribute(self, letter: str) -> Array:
        k, m = self.n_components, self.n_mix
        if letter == "w":
            return self._probabilities("weights_", (k, m))
        means = np.asarray(self.means_, dtype=np.float64)
        if means.ndim != 3 or means.shape[:2] != (k, m):
            raise ValueError(f"got means_ of shape {means.shape}, expected ({k}, {m}, columns)")
        if letter == "m":
            return means
        d, value = means.shape[2], np.asarray(self.covars_, dtype=np.float64)
        shapes = {"full": (k, m, d, d), "tied": (k, d, d), "diag": (k, m, d), "spherical": (k, m)}
        return covariances_of(value, shapes[self.covariance_type], self.covariance_type)

    def _set_emissions(self, made: GaussianMixturesParams) -> None:
        self.weights_, self.means_, self.covars_ = made

    def _imagined(self, family: Family[Any, Any]) -> GaussianMixturesStats | None:
        mixed = cast(GaussianMixtures, family)
        k, m, d = self.n_components, self.n_mix, mixed.n_features
        shares = counts_of("weights_prior", self.weights_prior, (k, m))
        steps = self._at_means()
        told = steps.any() or self.covars_prior is not None or self.covars_weight is not None
        if not told and shares is None:
            return None
        squares, _ = self._squares(m, d)
        centre = broadcast("means_prior", self.means_prior, (k, m, d))
        made = imagined(mixed.normal, steps.ravel().copy(), centre.reshape(-1, d), squares)
        return GaussianMixturesStats(np.zeros((k, m)) if shares is None else shares, made)

    def _at_means(self) -> Array:
        """Steps imagined at the mean of each density, (K, M)."""
        weight = np.asarray(self.means_weight, dtype=np.float64)
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise ValueError(
                f"got means_weight={self.means_weight!r}, expected numbers of at least 0"
            )
        return broadcast("means_weight", weight, (self.n_components, self.n_mix))

    def _of_covariances(self, family: Family[Any, Any]) -> Array | None:
        m, d = self.n_mix, cast(GaussianMixtures, family).n_features
        means, asked = self._at_means(), self._squares(m, d)[1]
        if self.covariance_type == "tied":  # a state's, shared among its densities
            asked = np.broadcast_to(asked, (self.n_components,))[:, None] / m
        if asked.ndim == 3:  # of each variance
            if (asked != asked[..., :1]).any():
                raise ValueError(
                    f"got covars_prior={self.covars_prior!r}, expected one number for all columns "
                    "of a density"
                )
            asked = asked[..., 0]
        if (asked < 0).any():
            raise ValueError(
                f"got covars_prior={self.covars_prior!r} and covars_weight={self.covars_weight!r}, "
                f"by which {float(np.min(asked)):g} steps are imagined for covariances; expected "
                "at least 0"
            )
        steps = np.asarray(asked - means).reshape(-1)
        return steps if steps.any() else None

    def _squares(self, m: int, d: int) -> tuple[Array, Array]:
        """What covariances' priors imagine: squares of all K M densities, and numbers of steps."""
        k, kind = self.n_components, self.covariance_type
        prior, weight = self.covars_prior, self.covars_weight
        if kind in ("full", "tied"):
            behind = m + d + 1 if kind == "tied" else d + 2
            steps = 0.0 if weight is None else np.asarray(weight, dtype=np.float64) + behind
            value = np.asarray(0.0 if prior is None else prior, dtype=np.float64)
            if kind == "tied":  # of a state, shared among its densities
                each = np.repeat(broadcast("covars_prior", value, (k, d, d)), m, axis=0) / m
            else:
                each = broadcast("covars_prior", value, (k, m, d, d)).reshape(-1, d, d)
            return each, np.asarray(steps)
        value = 2 * np.asarray(0.0 if weight is None else weight, dtype=np.float64)
        if kind == "diag":
            alpha = np.asarray(-1.5 if prior is None else prior, dtype=np.float64)
            return broadcast("covars_weight", value, (k, m, d)).reshape(-1, d), 2 * alpha + 3
        alpha = np.asarray(-(d + 2) / 2 if prior is None else prior, dtype=np.float64)
        each = broadcast("covars_weight", value, (k, m)).reshape(-1, 1) / d * np.ones(d)
        return each, 1 + 2 * (alpha + 1) / d
