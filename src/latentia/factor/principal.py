"""`ProbabilisticPCA`: principal components of rows with or without holes."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import EM, Fit, Status
from latentia.estimator import (
    Estimate,
    LatentEstimator,
    climb,
    climb_settings,
    feature_names,
    warn_unless_done,
)
from latentia.missing import holes
from latentia.missing.patterns import RowsByPattern
from latentia.mixture import errors

from . import dimension, faults, principal_errors, principal_record, principal_scoring
from .posterior import worth_compiling
from .principal_errors import PrincipalErrors
from .principal_model import LEAST_SHARE, PrincipalModel, PrincipalParams, available

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000}
"""What `tol` and `max_iter` are where nothing is said."""


@final
class ProbabilisticPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LatentEstimator):
    """Principal components as a normal density with few free directions, of rows with holes.

    A row is its mean plus loadings times standard normal numbers, plus noise of one variance for
    all columns. Without holes the maximum is known from the eigenvalues of the covariance, and is
    that of scikit-learn's ``PCA`` but for the divisor; with holes EM climbs to it, whatever the
    patterns, at a cost of n d q² a step.

    Parameters
    ----------
    n_components : int, "bic" or "mle", optional
        q, less than the number of columns. "bic" takes the number with the lowest BIC, "mle" that
        of Minka (2000), which is scikit-learn's; both need rows without holes, and `select` finds
        the number by BIC with holes. By default as many as columns and rows allow.
    whiten : bool, default=False
        Whether `transform` divides by the root of the explained variance.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the total
        log-likelihood.
    max_iter : int, default=1000
        E-steps, at most.
    random_state : int, RandomState instance or None, default=None
        Seed of `sample`, of drawn imputations and of bootstrap standard errors.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    components_ : array of shape (q, d)
        Orthonormal directions, those of the largest variance first; signed so that each one's
        largest entry is positive.
    explained_variance_ : array of shape (q,)
        Variances along these, noise included, with divisor n as maximum likelihood has it.
    explained_variance_ratio_ : array of shape (q,)
        As shares of the total variance of the model.
    singular_values_ : array of shape (q,)
        Roots of n times the explained variances.
    noise_variance_ : float
    mean_ : array of shape (d,)
    n_components_ : int
    apart_ : list of (int, int)
        Columns that no row has together.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Tipping & Bishop (1999), Probabilistic principal component analysis, JRSS B 61, 611-622; Minka
    (2000), Automatic choice of dimensionality for PCA, NIPS 13; Ilin & Raiko (2010), JMLR 11,
    1957-2000.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import ProbabilisticPCA
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 1)) @ [[3.0, 2.0, 1.0]] + rng.normal(size=(400, 3))
    >>> X[rng.random(X.shape) < 0.2] = np.nan
    >>> pca = ProbabilisticPCA(1).fit(X)
    >>> print(pca.components_.round(1))
    [[0.8 0.5 0.3]]
    >>> bool(np.isnan(pca.impute(X)).any())
    False
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"bic", "mle"}),
            None,
        ],
        "whiten": ["boolean"],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int

    def __init__(
        self,
        n_components: int | str | None = None,
        *,
        whiten: bool = False,
        tol: float = 1e-5,
        max_iter: int = 1000,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate mean, components and noise.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Numbers, nan where a value is missing.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a cell is infinite or no number, if a column has no value or only one, if there are
            as many components as columns, or if rows lie in a plane of so few dimensions that
            nothing is left for the noise.
        """
        self._validate_params()
        rows = self._rows(X, sample_weight, reset=True)
        names = feature_names(self, rows.x.shape[1])
        holes.require_estimable(rows, names)
        self.apart_ = holes.never_together(rows)
        self._n_rows = float(rows.weights @ ~np.isnan(rows.x).all(axis=1))
        whole = not np.isnan(rows.x).any()
        self._n_whole = self._n_rows if whole else 0.0
        fit = self._climbed(rows, names, whole)
        self._set_parameters(fit.params)
        self._restore(fit, 0.0)
        self._data = rows
        if self.apart_:
            faults.warn_apart(self.apart_, names, "components")
        warn_unless_done(self.fit_, self.max_iter)
        return self

    def _climbed(self, rows: Rows, names: Sequence[str], whole: bool) -> Fit[PrincipalParams]:
        frame = Frame.of(rows)
        source = RowSource(rows)
        moments = available(
            RowsByPattern.of(frame.into(chunk.x), chunk.weights) for chunk in source.chunks()
        )
        asked = self._asked(moments[1], len(rows.x), whole)
        self._model = PrincipalModel(frame, asked, worth_compiling(len(rows.x), asked))
        start = self._model.closed_form(*moments, exact=whole)
        if not start.noise > LEAST_SHARE * float(np.mean(frame.spread**2)):
            raise ValueError(faults.in_a_plane(moments[1], asked, len(rows.x), names))
        given = {"tol": self.tol, "max_iter": self.max_iter}
        em = climb_settings(self.em, given, DEFAULTS)
        fit = climb(em, self._model, source, start, on_degenerate="status")
        if fit.status is Status.DEGENERATE:
            raise ValueError(faults.in_a_plane(moments[1], asked, len(rows.x), names))
        return fit

    def _asked(self, covariance: Array, n_rows: int, whole: bool) -> int:
        """How many components."""
        d = len(covariance)
        if self.n_components is None:
            directions = faults.rank(covariance) if whole else n_rows - 1
            return max(min(d, directions) - 1, 0)
        if isinstance(self.n_components, str):
            if not whole:
                raise ValueError(
                    f"got n_components={self.n_components!r} for rows with holes, expected a "
                    "number; select(ProbabilisticPCA(), X, {'n_components': range(1, 10)}) finds "
                    "it by BIC"
                )
            values: Any = np.linalg.eigvalsh(covariance)[::-1]
            values = values[values > values[0] * d * 1e-14]
            choose = dimension.by_bic if self.n_components == "bic" else dimension.by_evidence
            return choose(values, self._n_rows)
        if self.n_components >= d:
            raise ValueError(
                f"got n_components={self.n_components} for rows of n_features={d}, expected at "
                f"most {d - 1}: the noise needs a direction of its own"
            )
        return int(self.n_components)

    def _rows(self, X: Any, sample_weight: Any, *, reset: bool) -> Rows:
        return holes.rows_of(self, X, sample_weight, reset=reset)

    def _set_parameters(self, params: PrincipalParams) -> None:
        """Attributes that follow from the parameters of a climb."""
        found = principal_errors.shown(params)
        self.mean_ = np.array(params.mean)
        self.components_ = found.components
        self.explained_variance_ = found.variances
        self.noise_variance_ = float(params.noise)
        q, d = found.components.shape
        self.n_components_ = q
        total = float(found.variances.sum()) + (d - q) * self.noise_variance_
        self.explained_variance_ratio_ = found.variances / total
        self.singular_values_ = np.sqrt(self._n_rows * found.variances)

    def _restore(self, fit: Fit[Any], entropy: float) -> None:
        """The attributes that follow from the engine's result."""
        self._take(fit, entropy)

    # -- using a fitted estimator ----------------------------------------------------------------

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def transform(self, X: Any) -> Array:
        """Rows along the components, shape (n, q), as ``PCA`` has it.

        Of a row with holes, the expectation given what was seen of it.
        """
        check_is_fitted(self, "components_")
        x = self._rows(X, None, reset=False).x
        made = np.empty((len(x), self.n_components_))
        for part, filled in principal_scoring.completed(self.fit_.params, x):
            made[part] = (filled - self.mean_) @ self.components_.T
        return made / np.sqrt(self.explained_variance_) if self.whiten else made

    def inverse_transform(self, X: Any) -> Array:
        """Rows (n, d) from their places along the components (n, q)."""
        check_is_fitted(self, "components_")
        places = np.asarray(X, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != self.n_components_:
            raise ValueError(
                f"got an array of shape {places.shape}, expected (n, {self.n_components_}): a "
                "number a component, as transform returns them"
            )
        if self.whiten:
            places = places * np.sqrt(self.explained_variance_)
        return places @ self.components_ + self.mean_

    def impute(self, X: Any, *, draw: bool = False) -> Array:
        """Rows with what is missing filled in.

        Parameters
        ----------
        X : array-like of shape (n, d)
        draw : bool, default=False
            Draw from the conditional distribution rather than take its mean; parameters stay what
            they are, and `random_state` is the seed.

        Returns
        -------
        array of shape (n, d), float64
            What was seen is kept to the bit.
        """
        check_is_fitted(self, "components_")
        x = self._rows(X, None, reset=False).x
        made, rng = np.empty(x.shape), self._generator() if draw else None
        for part, filled in principal_scoring.completed(self.fit_.params, x, rng):
            made[part] = filled
        return made

    def score_samples(self, X: Any) -> Array:
        """The log-likelihood of what was seen of each row, shape (n,)."""
        check_is_fitted(self, "components_")
        x = self._rows(X, None, reset=False).x
        return principal_scoring.log_densities(self.fit_.params, x)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def get_covariance(self) -> Array:
        """The covariance of a row, shape (d, d)."""
        check_is_fitted(self, "components_")
        stretched = self.components_.T * (self.explained_variance_ - self.noise_variance_)
        return stretched @ self.components_ + self.noise_variance_ * np.eye(len(self.mean_))

    def get_precision(self) -> Array:
        """The inverse of `get_covariance`, shape (d, d)."""
        check_is_fitted(self, "components_")
        share = 1 - self.noise_variance_ / self.explained_variance_
        made = np.eye(len(self.mean_)) - (self.components_.T * share) @ self.components_
        return made / self.noise_variance_

    def sample(self, n_samples: int = 1) -> Array:
        """Draw whole rows, (n_samples, d)."""
        check_is_fitted(self, "components_")
        errors.require_draws(n_samples)
        empty = Rows.of(np.zeros((n_samples, len(self.mean_))))
        return self._model.simulate(self.fit_.params, empty, self._generator()).x

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        self._data = self._rows(X, sample_weight, reset=False)
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> PrincipalErrors:
        params = self.fit_.params
        if method == "oakes" and self._n_whole:
            return principal_errors.closed_form(params, self._n_whole)
        source = RowSource(self._data)
        return principal_errors.by_engine(self._model, source, params, method, **asked)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter but the components, with its standard error and interval.

        Names are such as ``mean[x0]``, ``variance[0]`` and ``noise``. Intervals are Wald's, of
        variances on the scale of their logarithms.
        """
        return self._table(self.standard_errors(), level)

    def estimates(self) -> list[Estimate]:
        """The same without standard errors, which are nan here."""
        check_is_fitted(self, "fit_")
        return self._table(principal_errors.unknown(*self.components_.shape), 0.95)

    def _table(self, found: PrincipalErrors, level: float) -> list[Estimate]:
        names = feature_names(self, len(self.mean_))
        return list(principal_errors.table(self.fit_.params, found, names, level))

    def smallest_variance(self) -> float:
        """1: what it says of components has no meaning here."""
        return 1.0

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.factor import summarise_principal

        check_is_fitted(self, "fit_")
        return summarise_principal(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.loadings()`` and ``plot.climb()``."""
        from latentia.report.factor import FactorPlots

        check_is_fitted(self, "fit_")
        return FactorPlots(self)

    def _to_record(self) -> Record:
        return principal_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> ProbabilisticPCA:
        return principal_record.restore(cls(), written)
