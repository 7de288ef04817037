"""`GaussianHMM`: a hidden Markov model of normal states."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from latentia.engine import EM
from latentia.families import registry
from latentia.families.family import Family
from latentia.families.gaussian import Gaussian, GaussianParams, GaussianStats

from .arguments import SHARED, broadcast
from .dropin import HmmlearnEstimator
from .normal import covariances_of, imagined, unframed

Array = NDArray[np.float64]


@final
class GaussianHMM(HmmlearnEstimator):
    """Normal states that follow a Markov chain: a drop-in for ``hmmlearn.hmm.GaussianHMM``.

    Parameters
    ----------
    n_components : int, default=1
        Number of states K.
    covariance_type : {"diag", "full", "spherical", "tied"}, default="diag"
    min_covar : float, default=1e-3
        What starts add to the variances. It has no say later: there is no floor.
    startprob_prior, transmat_prior : float or array, default=1.0
        Parameters of Dirichlet priors, at least 1; 1 is no prior.
    means_prior, means_weight : float or array, default=0
        The prior mean of the means, and steps imagined there; 0 is no prior.
    covars_prior, covars_weight : float or array, optional
        hmmlearn's prior of the covariances: squares imagined beside those seen, and steps
        imagined plus 1 ("diag", "spherical") or plus d ("full", "tied"). None, unlike hmmlearn's
        0.01 and 1, is no prior.
    algorithm, random_state, n_iter, tol, verbose, implementation, em
        As in `PoissonHMM`.
    params, init_params : str, default="stmc"
        As in `PoissonHMM`, with m(eans) and c(ovariances).

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
    means_ : array of shape (K, d)
    covars_ : array of shape (K, d, d)
        Always as matrices. It is set in the shape of its type: (K, d, d) for "full", (d, d) for
        "tied", (K, d) for "diag", (K,) for "spherical".
    monitor_ : Monitor
    n_features : int
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `HiddenMarkov`.

    Notes
    -----
    hmmlearn's formulas for m = `means_weight`, S = `covars_prior` and c steps of a covariance are
    the maximum under a density of log-height -m / 2 · (mean - `means_prior`)ᵀ Σ⁻¹ (the same)
    - tr(S Σ⁻¹) / 2 - c / 2 · log |Σ|, short of a constant, summed over states ("tied": S and c
    once). That is the prior here; normal inverse Wishart where c is m + d + 2 or more.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.hmm import GaussianHMM
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(np.repeat([0.0, 5.0, 0.0], 50))[:, None]
    >>> model = GaussianHMM(2, random_state=0).fit(X)
    >>> bool(model.converged_), np.sort(model.means_.ravel()).round(1)
    (True, array([0.1, 5. ]))
    """

    _parameter_constraints = {  # noqa: RUF012
        **SHARED,
        "covariance_type": [StrOptions({"diag", "full", "spherical", "tied"})],
        "min_covar": [Interval(Real, 0.0, None, closed="left")],
        "means_prior": "no_validation",
        "means_weight": "no_validation",
        "covars_prior": "no_validation",
        "covars_weight": "no_validation",
    }

    means_: Any
    _covars_: Any

    def __init__(
        self,
        n_components: int = 1,
        covariance_type: str = "diag",
        min_covar: float = 1e-3,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        means_prior: Any = 0,
        means_weight: Any = 0,
        covars_prior: Any = None,
        covars_weight: Any = None,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int | None = None,
        tol: float = 1e-2,
        verbose: bool = False,
        params: str = "stmc",
        init_params: str = "stmc",
        implementation: str = "log",
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.algorithm = algorithm
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.implementation = implementation
        self.em = em

    @property
    def covars_(self) -> Array:
        """The covariances as matrices, (K, d, d)."""
        if not hasattr(self, "_covars_"):
            raise AttributeError("covars_ is not set; fit the model, or set it")
        value, d = np.asarray(self._covars_), np.shape(self.means_)[1]
        if self.covariance_type == "tied":
            return np.tile(value, (self.n_components, 1, 1))
        if self.covariance_type == "full":
            return value
        if value.size not in (self.n_components, self.n_components * d):
            self._read_attribute("c")  # says what it was to be
        return value.reshape(self.n_components, -1)[:, :, None] * np.eye(d)

    @covars_.setter
    def covars_(self, value: Any) -> None:
        self._covars_ = np.array(value, dtype=np.float64)

    @property
    def _letters(self) -> Mapping[str, tuple[str, str]]:
        return {"m": ("means_", "means"), "c": ("covars_", "covariances")}

    def _specification(self) -> Any:
        return f"gaussian(covariance_type={self.covariance_type!r}, reg_covar=0.0)"

    def _plain(self, x: Any) -> dict[str, Array]:
        """The covariance of all steps, and `min_covar` on its diagonal, for every state."""
        rows = np.asarray(x, dtype=np.float64)
        rows = rows[~np.isnan(rows).any(axis=1)]
        k, d = self.n_components, rows.shape[1]
        if len(rows) < 2 or "c" not in self.init_params:
            return {}
        whole = np.atleast_2d(np.cov(rows.T)) + self.min_covar * np.eye(d)
        made = {
            "full": np.tile(whole, (k, 1, 1)),
            "tied": whole,
            "diag": np.tile(np.diagonal(whole), (k, 1)),
            "spherical": np.full(k, np.diagonal(whole).mean()),
        }
        return {"covariances": made[self.covariance_type]}

    def _parts_of_attributes(self) -> tuple[registry.Part, ...]:
        return unframed(self._specification(), np.shape(self.means_)[-1])

    def _read_attribute(self, letter: str) -> Array:
        k, means = self.n_components, np.asarray(self.means_, dtype=np.float64)
        if means.ndim != 2 or len(means) != k:
            raise ValueError(f"got means_ of shape {means.shape}, expected ({k}, columns)")
        if letter == "m":
            return means
        d = means.shape[1]
        shapes = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}
        if self.covariance_type == "spherical" and np.size(self._covars_) == k:
            return covariances_of(np.reshape(self._covars_, k), (k,), "spherical")
        return covariances_of(self._covars_, shapes[self.covariance_type], self.covariance_type)

    def _set_emissions(self, made: GaussianParams) -> None:
        self.means_, self._covars_ = made

    def _imagined(self, family: Family[Any, Any]) -> GaussianStats | None:
        weight = np.asarray(self.means_weight, dtype=np.float64)
        if not weight.any() and self.covars_prior is None and self.covars_weight is None:
            return None
        gaussian = cast(Gaussian, family)
        squares = 0.0 if self.covars_prior is None else self.covars_prior
        return imagined(gaussian, self._at_means(weight), self.means_prior, squares)

    def _at_means(self, weight: Array) -> Array:
        """Steps imagined at the mean of each state, (K,)."""
        if weight.size > 1 and weight.ndim == 2 and weight.shape[1] == 1:
            weight = weight[:, 0]  # hmmlearn's takes a column of them too
        steps = broadcast("means_weight", weight, (self.n_components,))
        if not (np.isfinite(steps).all() and (steps >= 0).all()):
            raise ValueError(
                f"got means_weight={self.means_weight!r}, expected numbers of at least 0"
            )
        return steps

    def _of_covariances(self, family: Family[Any, Any]) -> Array | None:
        k, kind, d = self.n_components, self.covariance_type, cast(Gaussian, family).n_features
        means = self._at_means(np.asarray(self.means_weight, dtype=np.float64))
        behind = d if kind in ("full", "tied") else 1
        asked = behind if self.covars_weight is None else float(self.covars_weight)
        steps = max(asked - behind, 0.0) / (k if kind == "tied" else 1) - means
        return steps if steps.any() else None
