"""`CensoredRegression`: regressions of times known up to intervals, covariates with holes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, DegenerateFitError, Fit, inference, tree
from latentia.estimator import (
    Estimate,
    LatentEstimator,
    climb,
    climb_settings,
    feature_names,
    warn_unless_done,
)
from latentia.mixture import errors

from . import regression_record
from .bounds import checked_bounds, checked_times
from .censored import CensoredModel, CensoredParams
from .estimable import apart, in_units, require_estimable
from .expected import drawn, quantiles, survival
from .laws import DISTRIBUTIONS

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000}
"""What `tol` and `max_iter` are where nothing is said."""

LEAVE = "leave one of them out, whereupon all else is estimated as ever"


@final
class CensoredRegression(LatentEstimator):
    """Regression of times, or numbers, that are known exactly or up to intervals.

    y = x'β + σ e, or its logarithm (accelerated failure times), by maximum likelihood. Covariates
    may be missing at random: those with holes are taken as normal given the others and integrated
    out, rows are neither dropped nor filled in.

    Parameters
    ----------
    distribution : {"weibull", "exponential", "lognormal", "loglogistic", "normal", "logistic"}, \
default="weibull"
        Of times; of the response itself for the last two ("normal" is the tobit model).
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats.
    max_iter : int, default=1000
        E-steps, at most.
    random_state : int, RandomState instance or None, default=None
        Seed of bootstrap standard errors.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    intercept_ : float
    coef_ : array of shape (d,)
        Of the covariates; for times, what a unit adds to the logarithm.
    scale_ : float
        σ; the shape of Weibull times is its inverse.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`. With holes the likelihood is that of responses and of covariates
        that have some, given those that have none.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    Notes
    -----
    Intervals narrower than 1e-7 of the spread of the responses count as exact times, which have
    densities where intervals have probabilities.

    References
    ----------
    Tobin (1958), Econometrica 26, 24-36; Kalbfleisch & Prentice (2002), The Statistical Analysis of
    Failure Time Data, ch. 3; Olsen (1978), Econometrica 46, 1211-1215; Burridge (1981), JRSS B 43,
    41-45; Ibrahim (1990), JASA 85, 765-769.

    Examples
    --------
    How chemotherapy beside radiotherapy hastens that a breast retracts:

    >>> from latentia import CensoredRegression, datasets
    >>> cosmesis = datasets.load("cosmesis").values
    >>> times, chemotherapy = cosmesis[:, :2], cosmesis[:, 2:]
    >>> fitted = CensoredRegression("weibull", tol=1e-10).fit(chemotherapy, times)
    >>> print(fitted.coef_.round(4), round(fitted.scale_, 4))
    [-0.5648] 0.6196
    >>> print(fitted.survival(chemotherapy[[0, -1]], [12, 24]).round(3))
    [[0.903 0.732]
     [0.776 0.46 ]]
    """

    _parameter_constraints = {  # noqa: RUF012
        "distribution": [StrOptions(set(DISTRIBUTIONS))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int

    def __init__(
        self,
        distribution: str = "weibull",
        *,
        tol: float = 1e-5,
        max_iter: int = 1000,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.distribution = distribution
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the regression.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Covariates, nan where one is missing.
        y : array-like of shape (n,) or (n, 2)
            Times that are known, or lower and upper bounds: equal ones are a time that is known,
            an upper bound that is infinite or nan says that it is still to come, a lower one that
            is nan, or 0 for times, that it may have come at any moment before.
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If bounds are none, a covariate has no value or is constant, covariates follow from one
            another, or the likelihood has no maximum.
        """
        self._validate_params()
        x = self._covariates(X, reset=True)
        weights = errors.checked_weights(sample_weight, x)
        bounds = self._bounds(y, len(x))
        counted = weights > 0  # the others may have holes where none of these has one
        x, bounds, weights = x[counted], bounds[counted], weights[counted]
        self._order = np.argsort(np.isnan(x).any(axis=0), kind="stable")
        self._n_holed = int(np.isnan(x).any(axis=0).sum())
        names = feature_names(self, x.shape[1])
        require_estimable(x, bounds, weights, names)
        never = apart(x, weights, names)
        bounds, self._units = in_units(x[:, self._order], bounds, weights)
        rows = Rows(np.column_stack([x[:, self._order], bounds]), weights)
        settings = climb_settings(self.em, {"tol": self.tol, "max_iter": self.max_iter}, DEFAULTS)
        try:
            fit = climb(settings, self._model(), RowSource(rows))
        except DegenerateFitError as error:
            if never is None:
                raise
            raise ValueError(f"{never}, and the likelihood has no maximum; {LEAVE}") from error
        if never is not None:
            warnings.warn(f"{never}; {LEAVE}", errors.DataWarning, stacklevel=2)
        self._restore(fit, 0.0)
        self._data = rows
        warn_unless_done(self.fit_, self.max_iter)
        return self

    def _covariates(self, X: Any, *, reset: bool) -> Array:
        x = np.asarray(errors.validated(self, X, reset=reset), dtype=np.float64)
        if np.isinf(x).any():
            i, j = np.argwhere(np.isinf(x))[0]
            name = feature_names(self, x.shape[1])[j]
            raise ValueError(
                f"Input X contains infinity in row {i}, column {name}; correct it, or give nan "
                "where a covariate is missing"
            )
        return x

    def _in_order(self, x: Array) -> Array:
        """Covariates as the model has them, those that had holes in the fit last.

        Raises
        ------
        ValueError
            If another has one: the fit did not ask how it varies.
        """
        whole = np.sort(self._order[: len(self._order) - self._n_holed])
        holes = np.argwhere(np.isnan(x[:, whole]))
        if len(holes):
            i, j = holes[0]
            name = feature_names(self, x.shape[1])[int(whole[j])]
            raise ValueError(
                f"got nan in row {i}, column {name}, expected a number: the fit had all values of "
                "it, so it says nothing of those that are missing"
            )
        return x[:, self._order]

    def _bounds(self, y: Any, n: int) -> Array:
        """Bounds of the responses, after the logarithm where the distribution has one."""
        log = DISTRIBUTIONS[self.distribution].log
        bounds = checked_bounds(y, n, 0.0 if log else -np.inf)
        if not log:
            return bounds
        if ((bounds[:, 0] == bounds[:, 1]) & (bounds[:, 0] == 0)).any():
            i = int(np.argmax(bounds[:, 1] == 0))
            raise ValueError(
                f"got a time of 0 in row {i}, expected times above 0 for {self.distribution!r}; an "
                "interval from 0 says that the event came early"
            )
        with np.errstate(divide="ignore"):
            return np.log(bounds)

    def _model(self) -> CensoredModel:
        return CensoredModel(DISTRIBUTIONS[self.distribution], self._units, self._n_holed)

    def _restore(self, fit: Fit[Any], entropy: float) -> None:
        params = fit.params
        self.intercept_ = float(params.coefficients[0])
        self.coef_ = np.empty(len(self._order))
        self.coef_[self._order] = params.coefficients[1:]
        self.scale_ = float(params.scale)
        self._take(fit, entropy)

    # -- using a fitted regression -----------------------------------------------------------

    def predict(self, X: Any, p: float = 0.5) -> Array:
        """Quantiles of the response, the median by default, (n,).

        Where covariates are missing, of the response given those that are not. Only those that had
        holes in the fit may be.
        """
        check_is_fitted(self, "coef_")
        if not 0 < p < 1:
            raise ValueError(f"got p={p!r}, expected a share between 0 and 1")
        x = self._in_order(self._covariates(X, reset=False))
        found = quantiles(self._model(), self.fit_.params, x, p)
        return np.exp(found) if DISTRIBUTIONS[self.distribution].log else found

    def survival(self, X: Any, time: ArrayLike) -> Array:
        """The probability that the response is above some values, (n, m).

        Parameters
        ----------
        X : array-like of shape (n, d)
        time : array-like of shape (m,)
        """
        check_is_fitted(self, "coef_")
        x = self._in_order(self._covariates(X, reset=False))
        at = np.atleast_1d(checked_times(time))
        if DISTRIBUTIONS[self.distribution].log:
            with np.errstate(divide="ignore"):
                at = np.log(np.maximum(at, 0.0))
        return survival(self._model(), self.fit_.params, x, at)

    def sample(self, X: Any) -> Array:
        """Draw the response of each row, known exactly, (n,).

        Where covariates are missing, given those that are not.
        """
        check_is_fitted(self, "coef_")
        x = self._in_order(self._covariates(X, reset=False))
        found = drawn(self._model(), self.fit_.params, x, self._generator())
        return np.exp(found) if DISTRIBUTIONS[self.distribution].log else found

    def score(self, X: Any, y: ArrayLike) -> float:
        """The mean log-likelihood of rows, in nats."""
        check_is_fitted(self, "coef_")
        x = self._in_order(self._covariates(X, reset=False))
        rows = Rows(np.column_stack([x, self._bounds(y, len(x))]), np.ones(len(x)))
        return self._model().e_step(self.fit_.params, rows).loglik / len(x)

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(
        self, X: Any, sample_weight: ArrayLike | None = None, *, y: ArrayLike | None = None
    ) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        if y is None:
            raise NotFittedError("give the responses too, as remember(X, y=y)")
        x = self._covariates(X, reset=False)
        weights = errors.checked_weights(sample_weight, x)
        counted = weights > 0
        bounds = self._bounds(y, len(x))[counted]
        x, weights = self._in_order(x[counted]), weights[counted]
        bounds, _ = in_units(x, bounds, weights)
        self._data = Rows(np.column_stack([x, bounds]), weights)
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> Any:
        return named_errors(
            inference.standard_errors(
                self._model(), RowSource(self._data), self.fit_.params, method, **asked
            )
        )

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        The constant, the covariates by their names, the scale; then, of covariates with holes,
        ``x on z`` and ``covariance[x, z]``.
        """
        return list(self._table(self.standard_errors(), level))

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "fit_")
        nothing = tree.filled(self.fit_.params, np.nan)
        return list(self._table(nothing, 0.95))

    def _table(self, found: Any, level: float) -> Iterator[Estimate]:
        params = self.fit_.params
        found = CensoredParams(*(getattr(found, name) for name in CensoredParams._fields))
        lower, upper = inference.wald(self._model().space, params, found, level)
        every = (params, found, lower, upper)
        names = feature_names(self, len(self.coef_))
        place = np.argsort(self._order)

        def row(name: str, leaf: str, *at: int) -> Estimate:
            return Estimate(name, *(float(np.asarray(getattr(e, leaf))[at]) for e in every))

        yield row("intercept", "coefficients", 0)
        for name, j in zip(names, place, strict=True):
            yield row(name, "coefficients", 1 + int(j))
        if DISTRIBUTIONS[self.distribution].scale is None:
            yield row("scale", "scale")
        own = ["1", *(names[j] for j in self._order)]
        holed = own[len(own) - self._n_holed :] if self._n_holed else []
        for i, name in enumerate(holed):
            for j, other in enumerate(own[: len(own) - self._n_holed]):
                yield row(f"{name} on {other}", "slopes", i, j)
        for i, name in enumerate(holed):
            for j in range(i + 1):
                yield row(f"covariance[{holed[j]}, {name}]", "covariance", i, j)

    def smallest_variance(self) -> float:
        """1: what it says of components has no meaning here."""
        return 1.0

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.survival import summarise_censored

        check_is_fitted(self, "fit_")
        return summarise_censored(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.climb()``."""
        from latentia.report.survival import CensoredPlots

        check_is_fitted(self, "fit_")
        return CensoredPlots(self)

    def _to_record(self) -> Record:
        return regression_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> CensoredRegression:
        return regression_record.restore(cls(), written)


def named_errors(found: Any) -> Any:
    """Standard errors shaped like the parameters, with a note."""
    from .regression_record import CensoredErrors

    return CensoredErrors(**found.errors._asdict(), note=found.note)
