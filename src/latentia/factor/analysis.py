"""`FactorAnalysis`: a few factors behind many columns, of rows with or without holes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import EM, Fit
from latentia.estimator import (
    Estimate,
    LatentEstimator,
    climb_settings,
    feature_names,
    warn_unless_done,
)
from latentia.missing import holes
from latentia.missing.conditional import worth_compiling
from latentia.mixture import errors

from . import factor_errors, faults, record, scoring
from .climbing import climbed, held, risen
from .compared import goodness_of_fit
from .factor_errors import FactorErrors
from .goodness import FitTest
from .model import FactorModel, FactorParams
from .rotation import ROTATIONS
from .solution import Solution, solution

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-2, "max_iter": 1000}
"""What `tol` and `max_iter` are where nothing is said."""


@final
class FactorAnalysis(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LatentEstimator):
    """Factor analysis by maximum likelihood; scikit-learn's ``FactorAnalysis``, and holes.

    A row is its mean plus loadings times a few standard normal factors, plus noise of a variance,
    the uniqueness, for each column. Rows without holes are summed into one covariance matrix, of
    which Newton steps find the maximum; cells that are missing (nan) are integrated out.

    Parameters
    ----------
    n_components : int, optional
        How many factors, q; by default as many as columns.
    tol : float, default=1e-2
        The fit stops when the estimated gain that is left falls below this many nats of the total
        log-likelihood.
    copy : bool, default=True
        Without effect: X is never changed.
    max_iter : int, default=1000
        E-steps, at most.
    noise_variance_init : array-like of shape (d,), optional
        Where the uniquenesses begin; by default at half the variances and, if that ends in a
        Heywood case, at what the other columns leave of each; at random for several starts.
    svd_method, iterated_power
        scikit-learn's, without effect: nothing is randomised here.
    rotation : {"varimax", "quartimax", "promax", "oblimin"}, optional
        The last two let factors correlate. Without one, factors are ordered by how much they
        explain relative to the noise.
    kaiser : bool, default=False
        Whether columns count alike in the rotation, each divided by the root of its communality
        (promax's target is of loadings in standard deviations), as R's ``factanal`` has it; not
        so in scikit-learn.
    min_uniqueness : float, default=1e-6
        The least that uniquenesses may be, as a share of the column's variance. R's ``factanal``
        has 0.005.
    random_state : int, RandomState instance or None, default=0
        Seed of `sample` and of bootstrap standard errors.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    components_ : array of shape (q, d)
        Loadings, in the units of the columns; with correlated factors the pattern. Rotated factors
        are ordered by what they explain, and signed so that each loads positively on the whole.
    factor_correlations_ : array of shape (q, q)
    noise_variance_ : array of shape (d,)
        Uniquenesses, in squared units of the columns.
    mean_ : array of shape (d,)
    loglike_ : list of float
        The log-likelihood where the climb began and whenever it rose.
    heywood_ : list of int
        Columns whose uniqueness is held at its least: Heywood cases.
    apart_ : list of (int, int)
        Columns that no row has together.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`; parameters in ``fit_`` are in units of the columns' spread.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Jöreskog (1967), Psychometrika 32, 443-482; Lawley & Maxwell (1971), Factor Analysis as a
    Statistical Method; Rubin & Thayer (1982), Psychometrika 47, 69-76.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import FactorAnalysis
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1)) @ [[0.9, 0.8, 0.7, 0.6]] + 0.5 * rng.normal(size=(500, 4))
    >>> X[rng.random(X.shape) < 0.1] = np.nan
    >>> factors = FactorAnalysis(1).fit(X)
    >>> print(factors.components_.round(1))
    [[0.9 0.8 0.8 0.6]]
    >>> factors.transform(X).shape
    (500, 1)
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 0, None, closed="left"), None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "copy": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "noise_variance_init": ["array-like", None],
        "svd_method": [StrOptions({"randomized", "lapack"})],
        "iterated_power": [Interval(Integral, 0, None, closed="left")],
        "rotation": [StrOptions(set(ROTATIONS)), None],
        "kaiser": ["boolean"],
        "min_uniqueness": [Interval(Real, 0.0, 1.0, closed="left")],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int

    def __init__(
        self,
        n_components: int | None = None,
        *,
        tol: float = 1e-2,
        copy: bool = True,
        max_iter: int = 1000,
        noise_variance_init: Any = None,
        svd_method: str = "randomized",
        iterated_power: int = 3,
        rotation: str | None = None,
        kaiser: bool = False,
        min_uniqueness: float = 1e-6,
        random_state: Any = 0,
        em: EM | None = None,
    ) -> None:
        self.n_components = n_components
        self.tol = tol
        self.copy = copy
        self.max_iter = max_iter
        self.noise_variance_init = noise_variance_init
        self.svd_method = svd_method
        self.iterated_power = iterated_power
        self.rotation = rotation
        self.kaiser = kaiser
        self.min_uniqueness = min_uniqueness
        self.random_state = random_state
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate mean, loadings and uniquenesses.

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
            If a cell is infinite or no number, if a column has no value or only one, or if there
            are more factors than columns.
        """
        self._validate_params()
        rows = self._rows(X, sample_weight, reset=True)
        d = rows.x.shape[1]
        names = feature_names(self, d)
        n_factors = faults.factors_asked(self.n_components, d)
        noise = faults.noise_asked(self.noise_variance_init, d)
        holes.require_estimable(rows, names)
        self.apart_ = holes.never_together(rows)
        compiled = worth_compiling(len(rows.x), d)
        model = FactorModel(Frame.of(rows), n_factors, self.min_uniqueness, compiled)
        em = climb_settings(self.em, {"tol": self.tol, "max_iter": self.max_iter}, DEFAULTS)
        fit = climbed(em, model, rows, noise, names)
        self._model = model
        self._set_parameters(fit.params)
        self._restore(fit, 0.0)
        self._data = rows
        faults.warn_of(self, rows, names)
        warn_unless_done(self.fit_, self.max_iter)
        return self

    def _rows(self, X: Any, sample_weight: Any, *, reset: bool) -> Rows:
        return holes.rows_of(self, X, sample_weight, reset=reset)

    def _shown(self, params: FactorParams, near: Solution | None = None) -> Solution:
        return solution(self._model, params, self.rotation, self.kaiser, near)

    def _set_parameters(self, params: FactorParams) -> None:
        """Attributes that follow from the parameters of a climb."""
        self._solution = found = self._shown(params)
        self.mean_ = found.mean
        self.components_ = np.ascontiguousarray(found.loadings.T)
        self.factor_correlations_ = found.correlations
        self.noise_variance_ = found.noise
        self.heywood_ = np.flatnonzero(held(params, self.min_uniqueness)).tolist()

    def _restore(self, fit: Fit[Any], entropy: float) -> None:
        """The attributes that follow from the engine's result."""
        self._take(fit, entropy)
        self.loglike_ = risen(fit)

    # -- using a fitted estimator ----------------------------------------------------------------

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def transform(self, X: Any) -> Array:
        """The factors of each row, expected given what was seen of it, shape (n, q).

        The regression scores of Thomson (1951); `scores` has Bartlett's.
        """
        return self.scores(X)

    def scores(self, X: Any, method: str = "regression") -> Array:
        """Factor scores of each row, shape (n, q).

        Parameters
        ----------
        X : array-like of shape (n, d)
        method : {"regression", "bartlett"}, default="regression"
            "regression": the expectation, nearer to 0 than the factors are; "bartlett": weighted
            least squares, unbiased given the factors. Where too little of a row was seen for the
            latter it is nan, and a warning says in how many rows.

        Raises
        ------
        ValueError
            If there is no such method.
        """
        check_is_fitted(self, "components_")
        x = self._rows(X, None, reset=False).x
        return scoring.scores(self._solution, self._model, self.fit_.params, x, method)

    def score_samples(self, X: Any) -> Array:
        """The log-likelihood of what was seen of each row, shape (n,)."""
        check_is_fitted(self, "components_")
        x = self._rows(X, None, reset=False).x
        return scoring.log_densities(self._model, self.fit_.params, x)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def get_covariance(self) -> Array:
        """The covariance of a row that factors and noise make, shape (d, d)."""
        check_is_fitted(self, "components_")
        return self._solution.covariance

    def get_precision(self) -> Array:
        """The inverse of `get_covariance`, shape (d, d)."""
        made = np.linalg.inv(self.get_covariance())
        return (made + made.T) / 2

    def impute(self, X: Any) -> Array:
        """Rows with each missing cell replaced by its expectation given the others, (n, d).

        What was seen is kept to the bit.
        """
        check_is_fitted(self, "components_")
        x = self._rows(X, None, reset=False).x
        return scoring.filled(self._model, self.fit_.params, x)

    def sample(self, n_samples: int = 1) -> Array:
        """Draw whole rows, (n_samples, d)."""
        check_is_fitted(self, "components_")
        errors.require_draws(n_samples)
        empty = Rows.of(np.zeros((n_samples, len(self.mean_))))
        return self._model.simulate(self.fit_.params, empty, self._generator()).x

    def fit_test(
        self, X: Any = None, sample_weight: ArrayLike | None = None, level: float = 0.9
    ) -> FitTest:
        """Whether so few factors explain the covariance: chi-squared, RMSEA and TLI.

        Parameters
        ----------
        X : array-like of shape (n, d), optional
            The rows of the fit; needed only after loading from a file.
        sample_weight : array-like of shape (n,), optional
        level : float, default=0.9
            Of the interval of the RMSEA.

        Returns
        -------
        FitTest
            With holes, likelihoods are those of the cells that were seen.

        Raises
        ------
        ValueError
            If the columns follow from one another, so that no covariance is the best.

        Examples
        --------
        >>> from latentia import FactorAnalysis, datasets
        >>> bfi = datasets.load("bfi").values
        >>> whole = bfi[(bfi == bfi).all(axis=1)]
        >>> print(FactorAnalysis(3).fit(whole).fit_test())
        chi-squared 4489 on 228 degrees of freedom, p < 1e-16; RMSEA 0.088 (90 % from 0.086 to...
        """
        check_is_fitted(self, "components_")
        if X is not None:
            self.remember(X, sample_weight)
        names = feature_names(self, len(self.mean_))
        return goodness_of_fit(
            self._data, self.loglik_, self._model.n_factors, self.apart_, names, level
        )

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        self._data = self._rows(X, sample_weight, reset=False)
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> FactorErrors:
        source, here = RowSource(self._data), self._solution
        return factor_errors.standard_errors(
            self._model, source, self.fit_.params, here, self._shown, method, **asked
        )

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are such as ``loading[0, A1]``, ``uniqueness[A1]``, ``correlation[0, 1]`` and
        ``mean[A1]``. Intervals are Wald's, of uniquenesses on the scale of their logarithms.
        """
        return self._table(self.standard_errors(), level)

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "fit_")
        return self._table(factor_errors.unknown(*self.components_.shape), 0.95)

    def _table(self, found: FactorErrors, level: float) -> list[Estimate]:
        names = feature_names(self, len(self.mean_))
        return list(factor_errors.table(self._solution, found, names, level))

    def smallest_variance(self) -> float:
        """1: what it says of components has no meaning here."""
        return 1.0

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.factor import summarise_factors

        check_is_fitted(self, "fit_")
        return summarise_factors(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.loadings()`` and ``plot.climb()``."""
        from latentia.report.factor import FactorPlots

        check_is_fitted(self, "fit_")
        return FactorPlots(self)

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> FactorAnalysis:
        return record.restore(cls(), written)
