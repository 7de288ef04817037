"""`SelfConsistent`: a survival curve from times that are known up to intervals."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows, RowSource, distinct_rows
from latentia.engine import EM, Fit, Status, inference
from latentia.engine.inference.delta import quantile
from latentia.estimator import Estimate, LatentEstimator, climb, climb_settings, warn_unless_done
from latentia.mixture import errors

from . import record
from .ascent import MOST_MASSES, first, gap, raised
from .bounds import checked_times, read_bounds
from .curve import Curve
from .innermost import Innermost, innermost, ranges
from .model import Masses, SelfConsistentModel

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-5, "max_iter": 10_000}
"""What `tol` and `max_iter` are where nothing is said."""


class CurveErrors(NamedTuple):
    """Standard errors of a survival curve.

    Attributes
    ----------
    mass : array of shape (p,)
        Of `mass_`.
    survival : array of shape (p,)
        Of survival past the end of each interval of `intervals_`.
    note : str
        Why something is missing; empty where all is well.
    """

    mass: Array
    survival: Array
    note: str


@final
class SelfConsistent(LatentEstimator):
    """The survival curve of times that are known exactly or up to intervals, by no formula.

    Turnbull's nonparametric maximum likelihood estimate: Kaplan & Meier's where times are exact or
    right-censored. Its mass is on the innermost intervals (a lower bound followed by an upper one),
    and the latent variable is which of these a time fell into. The likelihood is concave in the
    masses; Newton steps begin where EM would take very long, and `gap_` bounds what is left.

    Parameters
    ----------
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats.
    max_iter : int, default=10000
        E-steps, at most.
    random_state : int, RandomState instance or None, default=None
        Seed of bootstrap standard errors.
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    intervals_ : array of shape (p, 2)
        The innermost intervals that have mass, (left, right]; a single time where both are equal.
        Where in an interval its mass lies, the data do not say.
    mass_ : array of shape (p,)
    gap_ : float
        The log-likelihood is at most so many nats below its maximum. A bound, not an estimate.
    converged_, n_iter_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`.

    Notes
    -----
    Standard errors are those of the masses that are not zero, as if the intervals were given. They
    are right where times are exact, right-censored, or seen at a limited number of moments; with
    moments of inspection that are all different the curve converges at a slower rate, and they are
    too small (Groeneboom & Wellner 1992).

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457-481; Turnbull (1976), JRSS B 38, 290-295; Gentleman & Geyer
    (1994), Biometrika 81, 618-623; Wang (2007), JRSS B 69, 185-198.

    Examples
    --------
    Months until the breast retracts after radiotherapy, seen at visits (Finkelstein & Wolfe 1985):

    >>> import numpy as np
    >>> from latentia import SelfConsistent, datasets
    >>> cosmesis = datasets.load("cosmesis").values
    >>> curve = SelfConsistent().fit(cosmesis[cosmesis[:, 2] == 0, :2])
    >>> print(curve.survival([5, 8, 12, 25, 40]).round(3))
    [0.954 0.832 0.761 0.668 0.466]
    >>> print(curve.quantile(0.25))
    [24. 25.]
    """

    _parameter_constraints = {  # noqa: RUF012
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    n_features_in_: int

    def __init__(
        self,
        *,
        tol: float = 1e-5,
        max_iter: int = 10_000,
        random_state: Any = None,
        em: EM | None = None,
    ) -> None:
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
        """Estimate the curve.

        Parameters
        ----------
        X : array-like of shape (n, 2)
            Lower and upper bounds: the event came after the one and up to the other. Equal bounds
            are an exact time, an upper bound that is infinite or nan says that it is still to come,
            a lower bound of minus infinity or nan that it may have come at any time before.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How often each row counts. A whole number is the same as repeating the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a lower bound is above the upper one, or no row says anything.
        """
        self._validate_params()
        x = read_bounds(self, X, lowest=-np.inf, reset=True)
        weights = errors.checked_weights(sample_weight, x)
        if not (np.isfinite(x).any(axis=1) & (weights > 0)).any():
            raise ValueError(
                "got no row with a bound, expected at least one time that is known up to an "
                "interval"
            )
        where, _ = innermost(x[weights > 0])
        model, rows = SelfConsistentModel(where), ranged(where, x, weights)
        settings = climb_settings(self.em, {"tol": self.tol, "max_iter": self.max_iter}, DEFAULTS)
        fit, gap_ = climbed(settings, model, rows)
        self._where, self.gap_ = where, gap_
        self._restore(fit, 0.0)
        self._data = rows
        warn_unless_done(self.fit_, self.max_iter)
        return self

    def _restore(self, fit: Fit[Any], entropy: float) -> None:
        mass = fit.params.mass
        has = mass > 0
        self.intervals_ = np.stack([self._where.left[has], self._where.right[has]], axis=1)
        self.mass_ = np.asarray(mass[has])
        self._take(fit, entropy)

    @property
    def _curve(self) -> Curve:
        check_is_fitted(self, "mass_")
        return Curve(self.intervals_[:, 0], self.intervals_[:, 1], self.mass_)

    # -- using a curve -----------------------------------------------------------------------

    def survival(self, time: ArrayLike) -> Array:
        """The probability of no event up to some times, of their shape.

        Within an interval that is bounded the curve is drawn as falling evenly; `survival_bounds`
        says what is known. Within the last interval, where that has no end, it does not fall.
        """
        return self._curve.survival(checked_times(time))

    def survival_bounds(self, time: ArrayLike) -> tuple[Array, Array]:
        """What survival is at least, and at most, at some times."""
        return self._curve.bounds(checked_times(time))

    def quantile(self, p: ArrayLike) -> Array:
        """The intervals (left, right] in which shares p of the events have come, (..., 2)."""
        return self._curve.quantile(p)

    def score_samples(self, X: Any) -> Array:
        """The logarithm of the probability of each row's interval, (n,); -inf where it has none."""
        check_is_fitted(self, "mass_")
        x = read_bounds(self, X, lowest=-np.inf, reset=False)
        pairs = np.stack(ranges(self._where, x), axis=1).astype(np.float64)
        rows = Rows(pairs, np.ones(len(x)))
        return SelfConsistentModel(self._where).unit_logliks(self.fit_.params, rows)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1) -> Array:
        """Draw rows as `fit` takes them, (n_samples, 2): intervals that the estimate gives mass.

        Where in its interval an event came the estimate does not say.
        """
        curve = self._curve
        errors.require_draws(n_samples)
        return curve.drawn(n_samples, self._generator())

    # -- what `LatentEstimator` asks for -----------------------------------------------------

    def remember(self, X: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Put the data of the fit at hand again, for `standard_errors`, after loading."""
        check_is_fitted(self, "fit_")
        x = read_bounds(self, X, lowest=-np.inf, reset=False)
        self._data = ranged(self._where, x, errors.checked_weights(sample_weight, x))
        return self

    def _compute_errors(self, method: str = "oakes", **asked: Any) -> CurveErrors:
        has = self.fit_.params.mass > 0
        at = np.flatnonzero(has)
        model = SelfConsistentModel(Innermost(self._where.left[has], self._where.right[has]))
        begin, end = (np.searchsorted(at, edge) for edge in np.asarray(self._data.x).T)
        rows = Rows(np.stack([begin, end], axis=1).astype(np.float64), self._data.weights)
        found = inference.standard_errors(
            model, RowSource(rows), Masses(self.mass_), method, **asked
        )
        fallen = found.delta(lambda params: np.cumsum(params.mass))
        if not np.isfinite(found.errors.mass).all():
            fallen = np.full(len(self.mass_), np.nan)
        fallen[-1] = 0.0
        return CurveErrors(np.asarray(found.errors.mass), fallen, found.note)

    def parameter_table(self, level: float = 0.95) -> list[Estimate]:
        """Survival past the end of each interval with its standard error and interval.

        Names are such as ``S(25)``. Intervals are Wald's on the scale of the logit.
        """
        return self._table(self.standard_errors().survival, level)

    def estimates(self) -> list[Estimate]:
        """Survival past the end of each interval, without standard errors, which are nan here."""
        check_is_fitted(self, "fit_")
        return self._table(np.full(len(self.mass_), np.nan), 0.95)

    def _table(self, found: Array, level: float) -> list[Estimate]:
        left = 1 - np.cumsum(self.mass_)
        z = quantile(level)
        rows: list[Estimate] = []
        for end, value, error in zip(self.intervals_[:, 1], left, found, strict=True):
            if np.isinf(end) or value <= 1e-12:
                continue
            odds, reach = value / (1 - value), np.exp(z * error / (value * (1 - value)))
            low, high = odds / reach / (1 + odds / reach), odds * reach / (1 + odds * reach)
            rows.append(Estimate(f"S({end:g})", *map(float, (value, error, low, high))))
        return rows

    def smallest_variance(self) -> float:
        """1: what it says of components has no meaning here."""
        return 1.0

    def summary(self) -> Any:
        """A table of the fit that a person can read."""
        from latentia.report.survival import summarise_curve

        check_is_fitted(self, "fit_")
        return summarise_curve(self)

    @property
    def plot(self) -> Any:
        """Pictures of the fit: ``plot.survival()``, ``plot.climb()``."""
        from latentia.report.survival import CurvePlots

        check_is_fitted(self, "fit_")
        return CurvePlots(self)

    def _to_record(self) -> Record:
        return record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> SelfConsistent:
        return record.restore(cls(), written)


def ranged(where: Innermost, x: Array, weights: Array) -> Rows:
    """Rows as ranges of innermost intervals, equal ones together."""
    pairs = np.stack(ranges(where, x), axis=1).astype(np.float64)
    return distinct_rows(Rows(pairs, weights))


def climbed(em: EM, model: SelfConsistentModel, rows: Rows) -> tuple[Fit[Masses], float]:
    """A fit, and how far below the maximum it is at most.

    EM cannot give mass to an interval that has none. Where one wants some, Newton steps go on from
    where a climb ended, and another climb from there.
    """
    source = RowSource(rows)
    fit = climb(em, model, source, first(model, rows))
    left = gap(model, fit.params, rows)
    for _ in range(3):
        few = int((fit.params.mass > 0).sum()) <= MOST_MASSES
        if left <= em.tol or not few or fit.status is not Status.CONVERGED:
            break
        again = raised(model, fit.params, rows, em.tol / 2)
        if np.array_equal(again.mass, fit.params.mass):
            break
        fit = climb(em, model, source, again, checkpoint=None)
        left = gap(model, fit.params, rows)
    return fit, left
