"""`MixtureRegression`: regressions whose lines differ from component to component."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.engine import EM, Status, tree
from latentia.estimator import Estimate
from latentia.mixture import errors
from latentia.mixture.base import Climbing
from latentia.mixture.given import First
from latentia.mixture.model import Membership, MixtureParams
from latentia.mixture.parameters import MixtureErrors

from . import coefficients, data, reading, record
from .coefficients import Coefficient, Names
from .data import NOTHING, Beside
from .kinds import KINDS
from .lines import Lines, lines
from .prediction import Expected, by_size, expected, posterior
from .reading import Read
from .setting import Setting, learned, source_of
from .start import METHODS

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000, "starts": 10}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


@final
class MixtureRegression(RegressorMixin, Climbing):
    """A mixture of K regressions: p(y | x, z) = sum_k w_k(z) f(y | x'β_k).

    Lines, and variances or shapes, differ between components; weights are the same for all rows or
    follow covariates z by a multinomial logit (concomitants; a mixture of experts).

    Parameters
    ----------
    formula : str, optional
        Such as ``"y ~ x + I(x**2)"``: `fit` then takes a data frame. Without one it takes X and y.
        Formulas need formulaic (``pip install 'latentia[formula]'``) and are never run as code.
    n_components : int, default=2
        Number of components K.
    family : {"gaussian", "poisson", "binomial", "gamma"}, default="gaussian"
        Of the response given the component: normal about the line; counts, successes among trials,
        or positive amounts with the logarithm, the logit, or the logarithm of their mean on the
        line.
    concomitant : str, optional
        Covariates of the weights, such as ``"~ z"``; columns of the data frame, or of X.
    shared_dispersion : bool, default=False
        Whether components share the variance (gaussian) or the shape (gamma).
    reg_variance : float, default=0.0
        Floor under residual variances (gaussian), in squared units of the response. Without one
        a component that goes through too few rows has no maximum, and that start is given up.
    fit_intercept : bool, default=True
        Whether lines have an intercept, where there is no formula to say so.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most.
    n_init : int, default=10
        Starts; the best is kept. Mixtures of regressions have many local maxima.
    init_params : {"lines", "random"}, default="lines"
        How a start guesses the memberships: lines through a few rows each, and the rows near them
        by turns (Späth 1979), or at random.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
        1 prints steps, 2 also what they gained.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    coefficients_ : array of shape (K, p)
        Of each component's line, in the order of `design_names_`.
    dispersions_ : array of shape (K,) or (1,), or None
        Residual variances, or shapes of gamma responses.
    weights_ : array of shape (K,)
        The weights, with covariates on them their mean over the rows; the largest comes first.
    concomitant_ : array of shape (K, q), or None
        Coefficients of the logits against component 0, in the order of `concomitant_names_`.
    design_names_, concomitant_names_ : list of str, the second perhaps None
    params_ : NamedTuple of arrays
        The family's parameters.
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.
    n_features_in_ : int
    feature_names_in_ : array of str
        The columns of the data that the two designs need.

    References
    ----------
    DeSarbo & Cron (1988), A maximum likelihood methodology for clusterwise linear regression,
    Journal of Classification 5. Wedel & DeSarbo (1995), A mixture likelihood approach for
    generalized linear models, Journal of Classification 12. Grün & Leisch (2008), FlexMix version
    2, Journal of Statistical Software 28(4).

    Examples
    --------
    CO2 emissions on gross national product, of two kinds of countries (Hurn, Justel & Robert 2003):

    >>> from latentia import MixtureRegression, datasets
    >>> countries = datasets.load("co2")
    >>> data = dict(zip(countries.columns, countries.values.T))
    >>> fitted = MixtureRegression("co2 ~ gnp", random_state=0).fit(data)
    >>> print(f"{fitted.loglik_:.5f}")
    -66.93977
    >>> fitted.coefficients_.round(2)
    array([[ 8.68, -0.02],
           [ 1.42,  0.68]])
    """

    _parameter_constraints = {  # noqa: RUF012
        "formula": [str, None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "family": [StrOptions(set(KINDS))],
        "concomitant": [str, None],
        "shared_dispersion": ["boolean"],
        "reg_variance": [Interval(Real, 0.0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(set(METHODS))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int
    _setting: Setting

    def __init__(
        self,
        formula: str | None = None,
        n_components: int = 2,
        *,
        family: str = "gaussian",
        concomitant: str | None = None,
        shared_dispersion: bool = False,
        reg_variance: float = 0.0,
        fit_intercept: bool = True,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int = 10,
        init_params: str = "lines",
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.formula = formula
        self.n_components = n_components
        self.family = family
        self.concomitant = concomitant
        self.shared_dispersion = shared_dispersion
        self.reg_variance = reg_variance
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # the mean over components follows no single line
        tags.target_tags.positive_only = self.family != "gaussian"
        return tags

    # -- fitting ---------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: Any = None,
        offset: Any = None,
        trials: Any = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : data frame, dict of columns, or array-like of shape (n, d)
            With a formula a frame of any library, or a dict, that has its columns; text and
            ``C(column)`` become factors. Without one, the design's columns.
        y : array-like of shape (n,), optional
            The responses, where there is no formula. A response that is nan is left out with a
            warning: it tells nothing.
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.
        groups : str or array-like of shape (n,), optional
            The subject of each row, or the column that has it: rows of one subject are from the
            same component. Covariates of the weights are those of a subject's first row.
        offset : str, float or array-like of shape (n,), optional
            Added to the linear predictor, such as the logarithm of an exposure.
        trials : str, int or array-like of shape (n,), optional
            The number of trials of a binomial response; 1 by default.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the formula is not allowed; if a covariate is missing, or follows from others; if a
            response cannot be; if a component collapses.
        """
        self._validate_params()
        rows, setting = learned(self, X, y, sample_weight, groups, Beside(offset, trials))
        source, em = source_of(rows), self._climb_settings(defaults=DEFAULTS)
        model = setting.model(self.init_params)
        fit = self._climb(em, model, source, First(), data.no_maximum)
        suff = fit.climbs[fit.best].suff
        mixed = np.nan
        if fit.status is not Status.DEGENERATE and suff is not None:
            mixed = max(fit.loglik - model.q(fit.params, suff), 0.0)
        params, weights = by_size(setting, fit.params, rows)
        self._set_parameters(params, setting, weights)
        self._restore(replace(fit, params=params), mixed)
        self._data = source
        self._warn_unless_done(em)
        return self

    def _set_parameters(self, params: MixtureParams, setting: Setting, weights: Array) -> None:
        self._setting, self._fitted, self.weights_ = setting, params, weights
        self.params_ = params.components
        self.coefficients_ = params.components.coefficients
        self.dispersions_ = params.components[1] if len(params.components) > 1 else None
        self.design_names_ = list(setting.design.names)
        self.concomitant_ = self.concomitant_names_ = None
        if setting.concomitant is not None:
            self.concomitant_ = params.weights.coefficients
            self.concomitant_names_ = list(setting.concomitant.names)

    # -- using a fitted mixture -------------------------------------------------------------

    def _seen(self, X: Any, y: Any, *, wanted: bool) -> Read:
        """Data to be looked at, read as those of the fit were."""
        check_is_fitted(self, "params_")
        design, beside = self._setting.design, self._setting.concomitant
        told = design.formula, None if beside is None else beside.formula
        return reading.read(self, X, y, told, reset=False, wanted=wanted)

    def _expected(self, X: Any, told: Beside) -> Expected:
        given = self._setting.given(self._seen(X, None, wanted=False), X, told)
        return expected(self._setting, self._fitted, given)

    def predict(
        self,
        X: Any,
        *,
        y: Any = None,
        groups: Any = None,
        offset: Any = None,
        trials: Any = None,
    ) -> Array:
        """The expected response of each row, over components, shape (n,).

        Parameters
        ----------
        X : as in `fit`
            The response need not be among its columns, unless `groups` are given.
        y, groups : as in `fit`
            With `groups` components count by what the known responses of a row's group, its own
            among them, say of the group; where none is known, as they do without. A response that
            is to be predicted is nan.
        offset, trials : as in `fit`
            By default the columns that `fit` named; otherwise 0, and one trial.

        Examples
        --------
        A subject whose first rows are known, and whose last is to come:

        >>> import numpy as np
        >>> from latentia import MixtureRegression, datasets
        >>> known = datasets.load("npreg")
        >>> data = dict(zip(known.columns, known.values.T))
        >>> lines = MixtureRegression("yn ~ x + I(x**2)", random_state=0).fit(data, groups="id2")
        >>> subject = {"x": [2.0, 3.0, 8.0], "yn": [28.0, 35.0, np.nan], "id2": [1, 1, 1]}
        >>> lines.predict(subject, groups="id2").round(1)
        array([30.5, 35.5, 31.4])
        >>> lines.predict(subject).round(1)
        array([20. , 25. , 35.9])
        """
        check_is_fitted(self, "params_")
        if groups is None and y is not None:
            raise ValueError(
                "got y without groups, expected both: a row's own response is not to predict it"
            )
        found, told = self._expected(X, Beside(offset, trials)), Beside(offset, trials)
        weights = found.weights
        if groups is not None:
            weights = self._posterior(X, y, groups, told).resp
        return (found.means * weights).sum(axis=1)

    def predict_by_component(self, X: Any, *, offset: Any = None, trials: Any = None) -> Array:
        """The expected response of each row if it were from each component, shape (n, K)."""
        check_is_fitted(self, "params_")
        return self._expected(X, Beside(offset, trials)).means

    def predict_weights(self, X: Any) -> Array:
        """The probability of each component before a row's response is seen, shape (n, K)."""
        check_is_fitted(self, "params_")
        return self._expected(X, NOTHING).weights

    def predict_memberships(
        self, X: Any, y: Any = None, *, groups: Any = None, **beside: Any
    ) -> Array:
        """The probability of each component given the response, shape (n, K).

        Parameters
        ----------
        X, y, groups : as in `fit`
            Rows of one subject have the same probabilities. Where a response is missing, or none
            are given where there is no formula, those before it is seen.
        **beside
            offset and trials, as in `fit`; by default the columns that `fit` named.
        """
        check_is_fitted(self, "params_")
        if y is None and self._setting.design.formula is None:
            return self.predict_weights(X)
        return self._posterior(X, y, groups, Beside(**beside)).resp

    def predict_components(
        self, X: Any, y: Any = None, *, groups: Any = None, **beside: Any
    ) -> NDArray[np.int64]:
        """The most probable component of each row given the response, shape (n,).

        Arguments are those of `predict_memberships`.
        """
        return self.predict_memberships(X, y, groups=groups, **beside).argmax(axis=1)

    def log_likelihood(self, X: Any, y: Any = None, **beside: Any) -> Array:
        """The log-likelihood of each row's response by itself, shape (n,); 0 where it is missing.

        Arguments are those of `predict_memberships`, without groups.
        """
        return self._posterior(X, y, None, Beside(**beside)).log_density

    def _posterior(self, X: Any, y: Any, groups: Any, told: Beside) -> Membership:
        found = self._seen(X, y, wanted=True)
        assert found.y is not None
        given = self._setting.given(found, X, told)
        label = None if groups is None else data.one_column(X, groups, found.n, "groups")
        return posterior(self._setting, self._fitted, given, found.y, label)

    def lines(
        self,
        X: Any,
        y: Any = None,
        *,
        column: str | None = None,
        groups: Any = None,
        **beside: Any,
    ) -> Lines:
        """Rows and each component's line along one covariate, as ``plot.lines`` draws them.

        Parameters
        ----------
        X, y, groups : as in `fit`
        column : str, optional
            The covariate; by default the first of numbers. Others stand at their mean or most
            frequent level.
        **beside
            offset and trials, as in `fit`.

        Returns
        -------
        Lines
            A NamedTuple: column, response, x, y, resp, at, means.
        """
        found, told = self._seen(X, y, wanted=True), Beside(**beside)
        given = self._setting.given(found, X, told)
        resp = self._posterior(X, y, groups, told).resp
        return lines(self._setting, self._fitted, found, given, resp, column)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """The share of the responses' variance that `predict` explains, R²."""
        found = self._seen(X, y, wanted=True)
        assert found.y is not None
        known = ~np.isnan(found.y)
        weights = errors.checked_weights(sample_weight, found.y[:, None])[known]
        return float(r2_score(found.y[known], self.predict(X)[known], sample_weight=weights))

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(
        self,
        X: Any,
        sample_weight: ArrayLike | None = None,
        *,
        y: Any = None,
        groups: Any = None,
        offset: Any = None,
        trials: Any = None,
    ) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        found = self._seen(X, y, wanted=True)
        told = Beside(offset, trials).filled(self._setting.beside)
        rows = self._setting._replace(beside=told).rows(found, X, sample_weight, groups)
        self._data, self._errors = source_of(rows), None
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> MixtureErrors:
        model = self._setting.model()
        return coefficients.standard_errors(model, self._data, self._fitted, method, **asked)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are such as ``weight[0]`` or ``logit[1, z]``, ``coefficient[0, x]``, ``variance[1]``.
        """
        weights, components, _ = self.standard_errors()
        return self._table(MixtureParams(weights, components), level)

    def coefficient_table(self, level: float = 0.95) -> list[Coefficient]:
        """The coefficients of lines and logits with z and p, as records for a data frame.

        Parameters
        ----------
        level : float, default=0.95
            Of the confidence intervals.
        """
        return self.tested(self.parameter_table(level))

    def tested(self, estimates: list[Estimate]) -> list[Coefficient]:
        """Those of some estimates that are coefficients, with z and p."""
        return coefficients.coefficients(estimates)

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "params_")
        unknown = tree.transform(lambda leaf: np.full(np.shape(leaf), np.nan), self._fitted)
        return self._table(unknown, 0.95)

    def parameter_names(self, columns: Any = None) -> list[str]:
        """What `parameter_table` calls the parameters; `columns` changes nothing here."""
        return [name for name, _, _ in coefficients.named(self._fitted, self._names())]

    def _names(self) -> Names:
        kind = KINDS[self._setting.family]
        return Names(self.design_names_, self.concomitant_names_, kind.dispersion)

    def _table(self, errors: MixtureParams, level: float) -> list[Estimate]:
        return coefficients.table(self._setting.model(), self._fitted, errors, self._names(), level)

    def described(self) -> str:
        """The components in words, with the formulas where there are any."""
        check_is_fitted(self, "params_")
        setting = self._setting
        words = KINDS[setting.family].words
        design, beside = setting.design.formula, setting.concomitant
        words += "" if design is None else f", {design.text}"
        if beside is not None and beside.formula is not None:
            words += f", weights {beside.formula.text}"
        return words

    def smallest_variance(self) -> float:
        """The smallest residual variance against that about one line for all; 1 elsewhere."""
        if KINDS[self._setting.family].dispersion != "variance":
            return 1.0
        variances: Any = self.dispersions_
        return float(np.min(variances)) / self._setting.frame.unit**2

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> MixtureRegression:
        return record.restore(cls, written)
