"""`EMImputer`: what is missing filled in, once or several times, as a transformer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import MissingIndicator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from latentia.engine import EM, Certificate

from . import columns, diagnostics, filling, imputer_record, learning
from .conditional import Normal
from .design import Design
from .estimator import IncompleteNormal
from .little import LittleTest
from .panel import Panel
from .patterns import Patterns
from .priors import Beliefs

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@final
class EMImputer(TransformerMixin, BaseEstimator):
    """Fill what is missing from a multivariate normal distribution fitted by EM.

    Conditional means, for prediction, or draws, for inference: with `draw` "bootstrap" or
    "posterior" the parameters are drawn too, and `imputations` gives several tables whose
    differences say how much is not known; `latentia.missing.pool` puts what is estimated from them
    together. A value that was seen is never changed. Cells may be missing at random: whether one
    is missing may depend on what was seen of its row.

    Parameters
    ----------
    missing_values : number, text, nan, None or pandas.NA, default=nan
        What stands for a missing value: a number in columns of numbers, a text in those of texts.
    draw : {None, "conditional", "bootstrap", "posterior"}, default=None
        None imputes conditional means. "conditional" draws cells at the estimate, which leaves
        out that this is not known exactly; "bootstrap" fits each imputation to rows drawn anew
        (EMB, as Amelia does); "posterior" draws parameters by data augmentation.
    n_imputations : int, default=1
        How many tables `imputations` gives.
    transforms : dict, optional
        "log", "sqrt" or "logit" by column name or number: the scale on which a column is modelled.
        What is imputed is put back; a conditional mean is then the conditional median.
    bounds : dict, optional
        (low, high) by column, None for no bound. Rows that are drawn outside are drawn again, up
        to a hundred times; means are put on the bound.
    min_value, max_value : float or array-like of shape (d,), optional
        The same of all columns of numbers that `bounds` does not name, as in scikit-learn's
        ``IterativeImputer``.
    integers : sequence of columns, default=()
        Columns in which imputed values are rounded to whole numbers.
    ordered : sequence of columns, default=()
        Columns in which imputed values are the nearest of the values that were seen, or of the
        categories of an ordered categorical column of a data frame.
    nominal : sequence of columns, default=()
        Columns of categories without order, numbers or texts; modelled as 0 and 1 for each
        category but the first. The most probable one is imputed, or one is drawn.
    ids : sequence of columns, default=()
        Columns that are neither modelled nor filled, whatever they hold.
    panel : Panel, optional
        That rows are units at times: trends, lags and leads.
    priors : sequence of CellPrior or CellRange, default=()
        What is believed of missing cells.
    ridge : float, default=1.0
        A prior worth so many rows without correlations, as in `IncompleteNormal`. 0 is maximum
        likelihood, which needs more rows than columns and none that follows from others.
    steps : int, optional
        Steps of the chain between imputations, for "posterior"; by default as many as it takes
        to forget 99 % at the rate at which EM converges, 10 to 1000.
    tol : float, default=1e-3
        As in `IncompleteNormal`, in nats.
    max_iter : int, default=1000
        E-steps of each climb, at most.
    verbose : int, default=0
        From 1 on, climbs draw a progress bar on standard error.
    add_indicator : bool, default=False
        Append a column for each that had missing values, 1 where it was missing.
    keep_empty_features : bool, default=False
        Keep columns without any value, as zeros; otherwise they are dropped.
    random_state : int, RandomState instance or None, default=None
        Seed of all that is drawn.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    normal_ : IncompleteNormal
        The distribution of the columns that vary, on their scales.
    draws_ : list of Normal
        The distribution that each imputation is drawn from.
    indicator_ : MissingIndicator or None
    certificate_ : Certificate
        The evidence for `normal_`.
    n_iter_ : int
        E-steps.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys; Schafer (1997), Analysis of
    Incomplete Multivariate Data; Honaker & King (2010), What to do about missing values in
    time-series cross-section data, American Journal of Political Science 54, 561-581.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import EMImputer, datasets
    >>> apple = datasets.load("apple").values
    >>> EMImputer().fit_transform(apple)[-3:].round(1)
    array([[ 6. , 57. ],
           [ 8. , 55.2],
           [10. , 53.3]])
    >>> imputer = EMImputer(draw="bootstrap", n_imputations=5, random_state=0).fit(apple)
    >>> len(list(imputer.imputations(apple)))
    5
    """

    _parameter_constraints = {  # noqa: RUF012
        "missing_values": "no_validation",
        "draw": [StrOptions({"conditional", "bootstrap", "posterior"}), None],
        "n_imputations": [Interval(Integral, 1, None, closed="left")],
        "transforms": [dict, None],
        "bounds": [dict, None],
        "min_value": [Real, "array-like", None],
        "max_value": [Real, "array-like", None],
        "integers": ["array-like"],
        "ordered": ["array-like"],
        "nominal": ["array-like"],
        "ids": ["array-like"],
        "panel": [Panel, None],
        "priors": ["array-like"],
        "ridge": [Interval(Real, 0.0, None, closed="left")],
        "steps": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int
    patterns_: Patterns
    normal_: IncompleteNormal | None
    draws_: list[Normal]
    certificate_: Certificate | None
    n_iter_: int
    _design: Design
    _categories: Any
    _holes: Any  # which columns, (d,)
    _beliefs: Beliefs
    _mark: bytes

    def __init__(
        self,
        *,
        missing_values: Any = np.nan,
        draw: str | None = None,
        n_imputations: int = 1,
        transforms: Mapping[Any, str] | None = None,
        bounds: Mapping[Any, tuple[Any, Any]] | None = None,
        min_value: Any = None,
        max_value: Any = None,
        integers: Sequence[Any] = (),
        ordered: Sequence[Any] = (),
        nominal: Sequence[Any] = (),
        ids: Sequence[Any] = (),
        panel: Panel | None = None,
        priors: Sequence[Any] = (),
        ridge: float = 1.0,
        steps: int | None = None,
        tol: float = 1e-3,
        max_iter: int = 1000,
        verbose: int = 0,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.missing_values = missing_values
        self.draw = draw
        self.n_imputations = n_imputations
        self.transforms = transforms
        self.bounds = bounds
        self.min_value = min_value
        self.max_value = max_value
        self.integers = integers
        self.ordered = ordered
        self.nominal = nominal
        self.ids = ids
        self.panel = panel
        self.priors = priors
        self.ridge = ridge
        self.steps = steps
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state
        self.em = em

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = columns.is_no_number(self.missing_values)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # -- fitting ---------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Estimate the distribution, and draw as many as there are to be imputations.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a cell is infinite or no number, if a column of texts is named nowhere, if what is
            said of columns makes no sense, or, at ``ridge=0``, if columns follow from one another.
        """
        self._validate_params()
        columns.require_mark(self.missing_values)
        read = filling.read(self, X, reset=True)
        learning.learn(self, read, sample_weight)
        self._remember_indicator(read.hidden)
        return self

    def _seed(self) -> list[int]:
        return [int(s) for s in check_random_state(self.random_state).randint(2**31, size=4)]

    # -- imputing --------------------------------------------------------------------------

    def transform(self, X: Any) -> Any:
        """X with what is missing filled in: the first of `imputations`.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        array of shape (n, d'), or data frame after ``set_output``
            Every value that was seen, to the bit; float32 where X is.
        """
        check_is_fitted(self, "draws_")
        return filling.imputed(self, filling.read(self, X), 0)

    def imputations(self, X: Any) -> Iterator[Any]:
        """X filled in `n_imputations` times, one after the other.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Yields
        ------
        array of shape (n, d'), or data frame after ``set_output``
        """
        check_is_fitted(self, "draws_")
        read = filling.read(self, X)
        for i in range(self.n_imputations):
            yield filling.contained(self, filling.imputed(self, read, i), X)

    def inverse_transform(self, X: Any) -> Array:
        """What `transform` was given: missing values where the indicator says so.

        Parameters
        ----------
        X : array-like of shape (n, d')
            With the columns that `add_indicator` appends.

        Returns
        -------
        array of shape (n, d)

        Raises
        ------
        ValueError
            If there is no indicator, which alone tells what was missing.
        """
        check_is_fitted(self, "draws_")
        return filling.undone(self, X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """The names of the columns of the output.

        Parameters
        ----------
        input_features : array-like of str, optional
            Those of the fit, or x0, x1, ..., by default.
        """
        check_is_fitted(self, "draws_")
        names: Any = _check_feature_names_in(self, input_features)
        kept = names[self._design.columns.kept]
        if self.indicator_ is None:
            return kept
        marks = [f"missingindicator_{name}" for name in names[self._holes]]
        return np.concatenate([kept, np.array(marks, dtype=object)])

    def _remember_indicator(self, hidden: Mask) -> None:
        self.indicator_ = None
        if self.add_indicator:
            self.indicator_ = MissingIndicator(error_on_new=False).fit(columns.marked(hidden))

    # -- what is known of the fit ------------------------------------------------------------

    def _fitted_normal(self) -> IncompleteNormal:
        check_is_fitted(self, "draws_")
        if self.normal_ is None:
            raise ValueError("no column has more than one value, so there is no distribution")
        return self.normal_

    def little_test(self) -> LittleTest:
        """Little's test of whether cells are missing completely at random, on the model's scales.

        On the data of the fit, which are not kept in files, and by maximum likelihood whatever
        the ridge and the priors.

        Raises
        ------
        ValueError
            If there is no maximum-likelihood estimate.
        NotFittedError
            If the data are not at hand.
        """
        return diagnostics.little_test_of(self._fitted_normal(), self.ridge)

    def summary(self) -> Any:
        """A table of the fitted distribution that a person can read, without standard errors."""
        from latentia.report.missing import summarise_normal

        return summarise_normal(self._fitted_normal(), standard_errors=False)

    @property
    def plot(self) -> Any:
        """Pictures: patterns, holes(X), densities(X), overimputation(X), dispersion(), climb()."""
        from latentia.report.missing import ImputerPlots

        self._fitted_normal()
        return ImputerPlots(self, diagnostics)

    def save(self, path: Any) -> None:
        """Write the fitted imputer to a file that `latentia.load` reads."""
        from latentia.persistence import save_estimator

        check_is_fitted(self, "draws_")
        save_estimator(self, path)

    def _to_record(self) -> Record:
        return imputer_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> EMImputer:
        return imputer_record.restore(cls(), written)
