"""`LogLinear`: incomplete contingency tables; `GeneralLocation`: categories and numbers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, final

from scipy.stats import chi2
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.engine import EM, Status

from . import record
from .base import TableEstimator
from .model import CellModel
from .terms import SATURATED

if TYPE_CHECKING:
    from latentia.persistence import Record

CONSTRAINTS: dict[str, list[Any]] = {
    "interactions": [
        Interval(Integral, 0, None, closed="left"),
        StrOptions({SATURATED}),
        "array-like",
    ],
    "prior": [Interval(Real, 0.0, None, closed="left")],
    "tol": [Interval(Real, 0.0, None, closed="left")],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "random_state": ["random_state"],
    "em": [HasMethods(["fit", "get_params"]), None],
}


class GoodnessOfFit(NamedTuple):
    """The likelihood-ratio test of a log-linear model against the saturated one.

    Attributes
    ----------
    statistic : float
        G², twice the difference of the log-likelihoods.
    df : int
    p_value : float
        By the chi-square distribution; rough where cells have few rows.
    """

    statistic: float
    df: int
    p_value: float


@final
class LogLinear(TableEstimator):
    """A log-linear model of a contingency table whose rows may have holes.

    Every row counts, also where some of its categories are missing at random: it is shared out
    among the cells that it may be in.

    Parameters
    ----------
    interactions : int, "saturated" or sequence of str, default=2
        All interactions of so many columns, all there are, or terms such as ``["a:b", "c"]`` with
        what they contain.
    prior : float, default=0
        Rows that are added to each cell: the posterior mode under a Dirichlet prior (a flattening
        constant). Above 0 no probability is estimated as 0.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats.
    max_iter : int, default=1000
        E-steps, at most.
    random_state : int, RandomState instance or None, default=None
        Seed of what is drawn.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    probabilities_ : array of shape (L1, ..., Lq)
        Of the cells.
    categories_ : tuple of tuple
        Of each column.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.

    References
    ----------
    Fuchs (1982), Maximum likelihood estimation and model selection in contingency tables with
    missing data, JASA 77, 270-278; Little & Rubin (2002), ch. 13; Schafer (1997), ch. 7 and 8.

    Examples
    --------
    >>> from latentia import LogLinear
    >>> rows = [["yes", "a"], ["yes", "b"], ["no", "b"], ["no", "a"], ["yes", None], [None, "a"]]
    >>> counts = [30, 10, 25, 15, 20, 12]
    >>> table = LogLinear(tol=1e-10).fit(rows, sample_weight=counts)
    >>> print(table.probabilities_.round(4))
    [[0.1603 0.2232]
     [0.4908 0.1257]]
    """

    _parameter_constraints = CONSTRAINTS

    def __init__(
        self,
        interactions: Any = 2,
        *,
        prior: float = 0.0,
        tol: float = 1e-5,
        max_iter: int = 1000,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.interactions = interactions
        self.prior = prior
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.em = em

    def _asked(self) -> tuple[Any, Any]:
        return "all", ()

    def goodness_of_fit(self) -> GoodnessOfFit:
        """The likelihood-ratio test against the saturated model, on the rows of the fit.

        Raises
        ------
        ValueError
            If there is a prior, or the model came from a file and no data are at hand.
        """
        check_is_fitted(self, "fit_")
        if self.prior:
            raise ValueError("a test needs maximum likelihood; fit with prior=0")
        if self._data is None:
            raise ValueError("the data of the fit are not kept in model files; use remember(X)")
        whole = CellModel(self.kinds_.levels, None, None, self._model().means)
        settings = EM(tol=1e-7, max_iter=10_000)
        fit = settings.fit(whole, self._data)
        if fit.status is Status.INTERRUPTED:  # the engine has caught Ctrl-C
            raise KeyboardInterrupt
        best = fit.loglik
        df = self.kinds_.cells - 1 - self.n_parameters_
        statistic = max(2 * (best - self.loglik_), 0.0)
        return GoodnessOfFit(statistic, df, float(chi2.sf(statistic, df)) if df else 1.0)

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> LogLinear:
        return record.restore(cls(), written)


@final
class GeneralLocation(TableEstimator):
    """Categories and numbers in one table, any of whose cells may be missing.

    The categories make the cells of a contingency table with a log-linear model; numbers are
    normal in each cell, with one covariance and means that are linear in the cells' design: the
    general location model.

    Parameters
    ----------
    categorical : sequence of str or int, optional
        Columns of numbers that are categories. Those of texts, booleans and a data frame's
        categories are anyway.
    interactions : int, "saturated" or sequence of str, default=2
        Of the log-linear model, as in `LogLinear`.
    means : int, "saturated" or sequence of str, default=1
        What the numbers' means depend on: by default every column of categories by itself.
    prior, tol, max_iter, random_state, em
        As in `LogLinear`.

    Attributes
    ----------
    probabilities_ : array of shape (L1, ..., Lq)
        Of the cells.
    means_ : array of shape (L1, ..., Lq, p)
        Of the numbers in each cell.
    covariance_ : array of shape (p, p)
        Within cells.
    categories_ : tuple of tuple
        Of each column of categories.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.

    References
    ----------
    Olkin & Tate (1961), Ann. Math. Statist. 32, 448-465; Little & Schluchter (1985), Biometrika 72,
    497-512; Schafer (1997), ch. 9.

    Examples
    --------
    >>> from latentia import GeneralLocation
    >>> rows = [
    ...     ["a", 1.0],
    ...     ["a", 2.0],
    ...     ["b", 5.0],
    ...     ["b", None],
    ...     [None, 5.5],
    ...     ["a", 1.5],
    ...     ["b", 6.0],
    ... ]
    >>> model = GeneralLocation(random_state=0).fit(rows)
    >>> print(model.complete(rows)[4])
    ['b' 5.5]
    """

    _parameter_constraints = {  # noqa: RUF012
        **CONSTRAINTS,
        "categorical": ["array-like", None],
        "means": CONSTRAINTS["interactions"],
    }

    def __init__(
        self,
        categorical: Any = None,
        *,
        interactions: Any = 2,
        means: Any = 1,
        prior: float = 0.0,
        tol: float = 1e-5,
        max_iter: int = 1000,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.categorical = categorical
        self.interactions = interactions
        self.means = means
        self.prior = prior
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.em = em

    def _asked(self) -> tuple[Any, Any]:
        return self.categorical, self.means

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> GeneralLocation:
        return record.restore(cls(), written)
