"""`MixtureRegression`: regressions whose lines differ from component to component."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.engine import EM, tree
from latentia.estimator import Estimate, latent_entropy
from latentia.mixture.base import Climbing
from latentia.mixture.given import First
from latentia.mixture.model import MixtureParams
from latentia.mixture.parameters import MixtureErrors

from . import coefficients, data, record
from .coefficients import Coefficient, Names
from .data import Beside
from .kinds import KINDS
from .prediction import by_size
from .setting import Setting, learned, source_of
from .start import TURNS
from .uses import RegressionUses

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000, "starts": 20}
"""What `tol`, `max_iter` and `n_init` are where nothing is said, by their names in `EM`."""


@final
class MixtureRegression(RegressionUses, RegressorMixin, Climbing):
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
    n_init : int, default=20
        Starts; the best is kept. Mixtures of regressions have many local maxima.
    init_params : {"alternate", "lines", "random"}, default="alternate"
        How a start guesses the memberships: lines through a few rows each, and the rows near them
        by turns (Späth 1979), or at random. By default each start is one or the other.
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
        "init_params": [StrOptions(set(TURNS))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

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
        n_init: int = 20,
        init_params: str = "alternate",
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
        mixed = latent_entropy(model, fit)
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
        unknown = tree.filled(self._fitted, np.nan)
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
