"""`IncompleteNormal`: mean and covariance of rows with holes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Frame, Rows
from latentia.engine import EM, DecreasedWarning, Fit, Status, inference, tree
from latentia.engine.evaluator import FAILURES
from latentia.estimator import (
    Estimate,
    LatentEstimator,
    climb,
    climb_settings,
    feature_names,
    warn_unless_done,
)
from latentia.mixture import errors

from . import conditional, holes, record
from .conditional import Normal
from .draws import source
from .little import LittleTest, little_test
from .model import NormalModel
from .patterns import patterns_of
from .start import factored

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 1000}
"""What `tol` and `max_iter` are where nothing is said."""


class NormalErrors(NamedTuple):
    """Standard errors of a normal distribution.

    Attributes
    ----------
    mean : array of shape (d,)
    covariance : array of shape (d, d)
    note : str
        Why something is missing; empty where all is well.
    """

    mean: Array
    covariance: Array
    note: str


@final
class IncompleteNormal(LatentEstimator):
    """Mean and covariance of a multivariate normal distribution from rows with holes.

    Maximum likelihood from all cells that were seen, nan standing for the others; right where
    cells are missing at random: where whether a cell is missing may depend on what was seen of its
    row, but not on the cell itself. Rows go through the E-step by their patterns of holes, each
    solved in whichever of its blocks, seen or hidden, is smaller.

    Parameters
    ----------
    ridge : float, default=0
        A prior worth so many rows in which the columns have the variances that were seen and do
        not go together. Above 0 there is an estimate where the likelihood has no maximum: more
        columns than rows, columns that follow from one another.
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
    mean_ : array of shape (d,)
    covariance_ : array of shape (d, d)
        With divisor n, as maximum likelihood has it.
    correlation_ : array of shape (d, d)
    patterns_ : Patterns
        The patterns of holes, the most frequent first; ``print`` shows a table.
    apart_ : list of (int, int)
        Columns that no row has together: the data do not determine their covariances.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        Only where X has column names.

    References
    ----------
    Orchard & Woodbury (1972), A missing information principle, 6th Berkeley Symposium 1, 697-715;
    Beale & Little (1975), JRSS B 37, 129-145; Little & Rubin (2002), Statistical Analysis with
    Missing Data, sec. 11.2; Schafer (1997), Analysis of Incomplete Multivariate Data, ch. 5.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import IncompleteNormal, datasets
    >>> apple = datasets.load("apple").values  # twelve of eighteen crops with their worms
    >>> normal = IncompleteNormal(tol=1e-10).fit(apple)
    >>> print(normal.mean_.round(4))
    [14.7222 49.3333]
    >>> print(normal.standard_errors().mean.round(3))
    [2.23  2.731]
    """

    _parameter_constraints = {  # noqa: RUF012
        "ridge": [Interval(Real, 0.0, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int

    def __init__(
        self,
        *,
        ridge: float = 0.0,
        tol: float = 1e-5,
        max_iter: int = 1000,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
        self.ridge = ridge
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
        """Estimate mean and covariance.

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
            If a cell is infinite or no number, if a column has no value or only one, or if columns
            follow from one another and `ridge` is 0.
        """
        self._validate_params()
        rows, dtype = self._rows(X, sample_weight, reset=True)
        self.fit_rows(rows, feature_names(self, rows.x.shape[1]), dtype)
        warn_unless_done(self.fit_, self.max_iter)
        return self

    def fit_rows(self, rows: Any, names: Sequence[str], dtype: Any) -> None:
        """Estimate from rows that were checked, whose columns have these names."""
        holes.require_estimable(rows, names)
        self.apart_ = holes.never_together(rows)
        holes.warn_of(self.apart_, names, self.ridge)
        model, fit = fitted(self._settings(), rows, self.ridge, len(self.apart_), names)
        holes.warn_of_dependent(rows, fit.params.covariance, names, self.ridge)
        self._frame = model.frame
        self._set_parameters(fit.params, dtype)
        self._restore(fit, 0.0)
        self.patterns_ = patterns_of(rows, names)
        self._data = rows

    def _rows(self, X: Any, sample_weight: Any, *, reset: bool) -> tuple[Rows, Any]:
        rows = holes.rows_of(self, X, sample_weight, reset=reset)
        return rows, rows.x.dtype

    def _settings(self) -> EM:
        return climb_settings(self.em, {"tol": self.tol, "max_iter": self.max_iter}, DEFAULTS)

    def _set_parameters(self, params: Normal, dtype: Any) -> None:
        spread = np.sqrt(np.diagonal(params.covariance))
        self.mean_ = params.mean.astype(dtype)
        self.covariance_ = params.covariance.astype(dtype)
        self.correlation_ = (params.covariance / np.outer(spread, spread)).astype(dtype)

    def _restore(self, fit: Fit[Any], entropy: float) -> None:
        self._take(fit, entropy)

    def _model(self) -> NormalModel:
        compiled = self._data is not None and conditional.worth_compiling(*self._data.x.shape)
        return NormalModel(self._frame, self.ridge, compiled, len(self.apart_))

    # -- using a fitted distribution ---------------------------------------------------------

    def score_samples(self, X: Any) -> Array:
        """The log-density of what was seen of each row, (n,); 0 for a row without a value."""
        check_is_fitted(self, "mean_")
        rows, _ = self._rows(X, None, reset=False)
        return conditional.log_density(self.fit_.params, rows.x)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def complete(self, X: Any, *, draw: bool = False) -> Array:
        """Rows with what is missing filled in.

        Parameters
        ----------
        X : array-like of shape (n, d)
        draw : bool, default=False
            Draw from the conditional distribution rather than take its mean. The parameters stay
            what they are, so several such draws are too much alike: `EMImputer` draws those too.

        Returns
        -------
        array of shape (n, d), float64
            What was seen is kept to the bit.
        """
        check_is_fitted(self, "mean_")
        rows, _ = self._rows(X, None, reset=False)
        return conditional.filled(self.fit_.params, rows.x, self._generator() if draw else None)

    def sample(self, n_samples: int = 1) -> Array:
        """Draw whole rows, (n_samples, d)."""
        check_is_fitted(self, "mean_")
        errors.require_draws(n_samples)
        mean, covariance = self.fit_.params
        rng = self._generator()
        return rng.multivariate_normal(mean, covariance, size=n_samples, method="cholesky")

    def little_test(self, X: Any = None, sample_weight: ArrayLike | None = None) -> LittleTest:
        """Little's test of whether cells are missing completely at random.

        Parameters
        ----------
        X : array-like of shape (n, d), optional
            The rows of the fit; needed only after loading from a file.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        LittleTest

        Examples
        --------
        >>> from latentia import IncompleteNormal, datasets
        >>> airquality = datasets.load("airquality").values
        >>> test = IncompleteNormal(tol=1e-10).fit(airquality).little_test()
        >>> round(test.statistic, 4), test.df, test.n_patterns
        (35.1062, 14, 4)
        """
        check_is_fitted(self, "mean_")
        if X is not None:
            self.remember(X, sample_weight)
        if self._data is None:
            raise NotFittedError(
                "the data of the fit are not kept in model files; give them as little_test(X)"
            )
        return little_test(self.fit_.params, self._data)

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        self._data, _ = self._rows(X, sample_weight, reset=False)
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> NormalErrors:
        found = inference.standard_errors(
            self._model(), source(self._data), self.fit_.params, method, **asked
        )
        mean, covariance = found.errors
        note = found.note
        if self.apart_ and not self.ridge:
            covariance = np.array(covariance)
            for i, j in self.apart_:
                covariance[i, j] = covariance[j, i] = np.nan
        return NormalErrors(mean, covariance, note)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Every parameter with its standard error and interval.

        Names are such as ``mean[Ozone]``, ``variance[Ozone]`` and ``covariance[Ozone, Wind]``.
        Intervals are Wald's, of variances on the scale of their logarithms.
        """
        mean, covariance, _ = self.standard_errors()
        return list(self._table(Normal(mean, covariance), level))

    def estimates(self) -> list[Estimate]:
        """Every parameter by its name, without standard errors, which are nan here."""
        check_is_fitted(self, "fit_")
        d = len(self.mean_)
        return list(self._table(Normal(np.full(d, np.nan), np.full((d, d), np.nan)), 0.95))

    def _table(self, found: Normal, level: float) -> Iterator[Estimate]:
        params = self.fit_.params
        lower, upper = inference.wald(self._model().space, params, found, level)
        names = feature_names(self, len(self.mean_))
        every = (params, found, lower, upper)
        for i, name in enumerate(names):
            yield Estimate(f"mean[{name}]", *(float(each.mean[i]) for each in every))
        for i, name in enumerate(names):
            yield Estimate(f"variance[{name}]", *(float(e.covariance[i, i]) for e in every))
        for i, name in enumerate(names):
            for j in range(i):
                both = f"covariance[{names[j]}, {name}]"
                yield Estimate(both, *(float(each.covariance[i, j]) for each in every))

    def smallest_variance(self) -> float:
        """1: what it says of components has no meaning here."""
        return 1.0

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.missing import summarise_normal

        check_is_fitted(self, "fit_")
        return summarise_normal(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.patterns()``, ``plot.climb()``."""
        from latentia.report.missing import MissingPlots

        check_is_fitted(self, "fit_")
        return MissingPlots(self)

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> IncompleteNormal:
        return record.restore(cls(), written)


def fitted(
    em: EM,
    rows: Any,
    ridge: float,
    n_apart: int,
    names: Any,
    start: Normal | None = None,
    frame: Frame | None = None,
) -> tuple[NormalModel, Fit[Normal]]:
    """A normal distribution fitted to rows.

    Raises
    ------
    ValueError
        If the likelihood has no maximum, naming the columns.
    """
    frame = Frame.of(rows) if frame is None else frame
    compiled = conditional.worth_compiling(*rows.x.shape)
    model = NormalModel(frame, ridge, compiled, n_apart)
    first = factored(rows, frame) if start is None else start
    n_seen = int(((rows.weights > 0) & ~np.isnan(rows.x).all(axis=1)).sum())
    try:
        with warnings.catch_warnings():  # of a fall near a singular matrix: it is named below
            warnings.simplefilter("ignore", DecreasedWarning)
            fit = climb(em, model, source(rows), first, on_degenerate="status")
    except FAILURES as error:
        raise ValueError(holes.singular(first.covariance, n_seen, names)) from error
    if fit.status is Status.DEGENERATE or holes.is_singular(fit.params.covariance):
        raise ValueError(holes.singular(_last_step(model, rows, fit.params), n_seen, names))
    if fit.status is Status.DECREASED:
        warnings.warn(fit.certificate.ending, DecreasedWarning, stacklevel=4)
    return model, fit


def _last_step(model: NormalModel, rows: Any, params: Normal) -> Array:
    """The covariance after the step from where a climb collapsed, which shows what is singular."""
    try:
        suff: Any = tree.reduce_in_order(
            [model.e_step(params, chunk) for chunk in source(rows).chunks()]
        )
        return model.m_step(suff, params).covariance
    except np.linalg.LinAlgError:
        return params.covariance
