"""`MarkovAutoregression`: series whose level, or whole dynamics, switch with hidden states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.engine import EM
from latentia.engine.relabel import permute
from latentia.estimator import feature_names
from latentia.hmm import reading
from latentia.hmm.chains import Moves, stationary
from latentia.hmm.dwelling import DwellTimes
from latentia.hmm.sequential import Made, Place, SequenceEstimator

from . import series_naming, series_record, unseen
from .ahead import outlook
from .autoregression import Autoregression
from .lagged import LaggedModel, LaggedParams, lagged
from .outlook import SeriesOutlook
from .series_naming import LaggedErrors

if TYPE_CHECKING:
    from latentia.persistence import Record

Array = NDArray[np.float64]

TUPLES = 1024
"""Tuples of states that a step may depend on, at most."""


@final
class MarkovAutoregression(SequenceEstimator):
    """An autoregression of order p that switches with the states of a Markov chain.

    With ``form="mean"`` lags are deviations from the means of their own states,

        y_t - μ(s_t) = sum_i φ_i (y_t-i - μ(s_t-i)) + e_t,  e_t ~ N(0, σ²)

    (Hamilton 1989), so that a step depends on p + 1 states, and the likelihood is summed over all
    of them exactly. With ``form="intercept"`` it is y_t = c(s_t) + sum_i φ_i y_t-i + e_t (Hamilton
    1994, sec. 22.4). Coefficients and variances may switch as well. The first p values of each
    series are given, as everywhere in this literature.

    Parameters
    ----------
    n_states : int, default=2
        Number of states K.
    order : int, default=1
        Number of lags p.
    form : {"mean", "intercept"}, default="mean"
    switching_coefficients : bool, default=False
        Whether states have φ of their own.
    switching_variance : bool, default=False
        Whether states have σ² of their own.
    start : {"stationary", "free"}, default="stationary"
        Whether the chain is in equilibrium where it starts, or starts by probabilities of its own.
    reg_variance : float, default=0.0
        Floor under variances, in squared units of the series.
    tol : float, default=1e-5
        The fit stops when the estimated gain that is left falls below this many nats of the
        total log-likelihood.
    max_iter : int, default=1000
        E-steps of each start, at most.
    n_init : int, optional
        Starts; the best is kept. By default many where they cost little, of which a race lets
        only the best go on.
    random_state : int, RandomState instance or None, default=None
    verbose : int, default=0
    em : EM, optional
        Settings of the climb. An argument above that differs from its default wins.

    Attributes
    ----------
    startprob_ : array of shape (K,)
    transmat_ : array of shape (K, K)
    levels_ : array of shape (K,)
        Means, or intercepts; states are numbered by them.
    ar_coefficients_ : array of shape (K, p), or (1, p) where states share them
    variances_ : array of shape (K,), or (1,)
    params_ : NamedTuple of arrays
    converged_, n_iter_, lower_bound_, lower_bounds_, loglik_, n_parameters_, certificate_, fit_
        As in `GaussianMixture`; bounds are means per step after the first p.
    n_features_in_ : int

    References
    ----------
    Hamilton (1989), A new approach to the economic analysis of nonstationary time series and the
    business cycle, Econometrica 57, 357-384. Hamilton (1994), Time series analysis, ch. 22.

    Examples
    --------
    Hamilton's recessions: quarterly growth of the gross national product of the United States.

    >>> from latentia import MarkovAutoregression, datasets
    >>> growth = datasets.load("gnp").values[:, 2]
    >>> model = MarkovAutoregression(2, order=4, random_state=0).fit(growth)
    >>> print(f"{model.loglik_:.5f}", model.levels_.round(3), model.transmat_.diagonal().round(3))
    -181.26339 [-0.359  1.164] [0.755 0.904]
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_states": [Interval(Integral, 1, None, closed="left")],
        "order": [Interval(Integral, 0, None, closed="left")],
        "form": [StrOptions({"mean", "intercept"})],
        "switching_coefficients": ["boolean"],
        "switching_variance": ["boolean"],
        "start": [StrOptions({"stationary", "free"})],
        "reg_variance": [Interval(Real, 0.0, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "em": [HasMethods(["fit", "get_params"]), None],
    }

    def __init__(
        self,
        n_states: int = 2,
        *,
        order: int = 1,
        form: str = "mean",
        switching_coefficients: bool = False,
        switching_variance: bool = False,
        start: str = "stationary",
        reg_variance: float = 0.0,
        tol: float = 1e-5,
        max_iter: int = 1000,
        n_init: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        em: EM | None = None,
    ) -> None:
        self.n_states = n_states
        self.order = order
        self.form = form
        self.switching_coefficients = switching_coefficients
        self.switching_variance = switching_variance
        self.start = start
        self.reg_variance = reg_variance
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init  # type: ignore[assignment]
        self.random_state = random_state
        self.verbose = verbose
        self.em = em

    # -- fitting -----------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        lengths: Any = None,
        sample_weight: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
    ) -> Self:
        """Estimate the parameters by maximum likelihood, the first p values given.

        Parameters
        ----------
        X : array-like of shape (n,) or (n, 1), list of arrays, ragged column or data frame
            One series, or several, of more than p steps each. Values may be missing (nan) after the
            first p: they are integrated out, exactly, which is refused where gaps are so long that
            too many paths of states lead through them.
        lengths : array-like of int, optional
        sample_weight : array-like of shape (m,), optional
            How often each series counts.
        id, time : str, optional
            Columns of a data frame: whose a step is, and when it was.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a series is too short, or too much of it is missing; if a state collapses; if so many
            lags of so many states make too many tuples.
        """
        self._validate_params()
        if self.form == "mean" and self.n_states ** (self.order + 1) > TUPLES:
            raise ValueError(
                f"got n_states={self.n_states} and order={self.order}, whose steps depend on "
                f"{self.n_states ** (self.order + 1)} tuples of states, expected {TUPLES} at most; "
                "use fewer lags or states, or form='intercept'"
            )
        ragged = reading.read(self, X, lengths, id, time, reset=True)
        weights = reading.weights_of(sample_weight, len(ragged.sizes))
        rows = self._rows(ragged, weights)
        used = rows.x[rows.spread(weights) > 0, 0]
        used = used[~np.isnan(used)]
        spread = float(used.std()) if len(used) else 0.0
        if not spread > 0:
            raise ValueError("got a series that never changes, expected values that differ")
        self._frame = (float(used.mean()), spread)
        model = self._model()
        source = GroupedSource(rows)
        em = self._settings(len(rows.x), len(model.series.tuples))
        fit = self._climbed(em, model, source)
        self._keep(fit, model, source)
        params = permute(model.space, fit.params, np.argsort(fit.params.series.levels))
        self.fit_ = replace(self.fit_, params=params)
        self._set_parameters(params)
        self._warn_unless_done(em)
        return self

    def _model(self) -> LaggedModel:
        origin, unit = self._frame
        series = Autoregression(
            self.n_states,
            self.order,
            centred=self.form == "mean",
            shared_coefficients=not self.switching_coefficients,
            shared_variance=not self.switching_variance,
            floor=float(self.reg_variance),
            origin=origin,
            unit=unit,
        )
        return LaggedModel(series, self.start == "stationary")

    def _rows(self, ragged: Ragged, weights: Array) -> GroupedRows:
        if ragged.x.shape[1] != 1:
            raise ValueError(f"got series of {ragged.x.shape[1]} columns, expected a single one")
        x = np.asarray(ragged.x[:, 0], dtype=np.float64)
        wrong = np.isinf(x)
        if wrong.any():
            raise ValueError(
                f"got {x[int(np.argmax(wrong))]} at step {int(np.argmax(wrong))}, expected finite "
                "numbers, or nan where one is missing"
            )
        short = ragged.sizes <= self.order
        if short.any():
            i = int(np.argmax(short))
            raise ValueError(
                f"got a series of {ragged.sizes[i]} steps (number {i}), expected more than "
                f"order={self.order}: the first ones are given"
            )
        rows, sizes = lagged(x, ragged.sizes, self.order)
        steps = self.order + 1 if self.form == "mean" else 1
        unseen.require_summable(self.n_states, steps, rows, sizes)
        return GroupedRows(rows, weights, sizes)

    def _set_parameters(self, params: LaggedParams) -> None:
        chain = self._model().chain
        self.params_ = params
        self.startprob_, self.transmat_ = chain.law(Moves(params.start, params.transitions))
        self.levels_, self.ar_coefficients_, self.variances_ = params.series

    # -- using a fitted model ----------------------------------------------------------------

    def get_stationary_distribution(self) -> Array:
        """The distribution of states that the transitions leave as it is, shape (K,)."""
        check_is_fitted(self, "params_")
        return stationary(self.params_.transitions)

    def expected_durations(self) -> Array:
        """How many steps in a row each state is expected to last, shape (K,)."""
        check_is_fitted(self, "params_")
        return DwellTimes(self.params_.transitions.diagonal()).mean

    def sample(
        self, n_samples: int = 1, random_state: Any = None, first: Any = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Draw one series.

        Parameters
        ----------
        n_samples : int, default=1
            Its steps after the first p.
        random_state : int, RandomState instance or None
            By default that of the estimator.
        first : array-like of shape (p,), optional
            The values before; by default what a longer series ends with.

        Returns
        -------
        y : array of shape (n_samples,)
        states : array of shape (n_samples,)
        """
        check_is_fitted(self, "params_")
        rng, burn = self._drawing(random_state), 0
        if n_samples < 1:
            raise ValueError(f"got n_samples={n_samples}, expected at least 1")
        if first is None:
            burn, first = 200, np.full(self.order, self._frame[0])
        given = np.asarray(first, dtype=np.float64)
        if given.shape != (self.order,):
            raise ValueError(f"got first of shape {given.shape}, expected ({self.order},)")
        n = n_samples + burn
        x = np.zeros((n, self.order + 1))
        x[0, 1:] = given[::-1]
        model = self._model()
        made, path = model.drawn(self.params_, GroupedRows(x, np.ones(1), np.array([n])), rng)
        own = model.series.tuples[path, 0].astype(np.int64)
        return made[burn:, 0], own[burn:]

    def forecast(
        self,
        X: Any,
        lengths: Any = None,
        steps: int = 1,
        *,
        id: Any = None,
        time: Any = None,
        random_state: Any = None,
    ) -> SeriesOutlook:
        """The distributions of the steps after the last one of each series.

        Given a path of states each value is normal, so that it is a mixture of as many normal ones
        as there are paths. Where these are more than 4,096, so many are drawn, for quantiles and
        densities; means, variances and probabilities of states are exact at any distance.

        Parameters
        ----------
        X, lengths, id, time
            Series.
        steps : int, default=1
            How many steps ahead.
        random_state : int, RandomState instance or None
            Of the paths drawn; by default that of the estimator.

        Returns
        -------
        SeriesOutlook
            Of m times `steps` rows, series after series: ``states``, and ``mean()``,
            ``variance()``, ``quantile(p)``, ``density(x)``, ``cdf(x)``.

        Raises
        ------
        ValueError
            If fewer than one step is asked for, or one of the last p values is missing.

        References
        ----------
        Hamilton (1994), sec. 22.4; Costa, Fragoso & Marques (2005), Discrete-time Markov jump
        linear systems, prop. 3.35.

        Examples
        --------
        The growth of the year after the record, and how likely it falls:

        >>> from latentia import MarkovAutoregression, datasets
        >>> growth = datasets.load("gnp").values[:, 2]
        >>> model = MarkovAutoregression(2, order=4, random_state=0).fit(growth)
        >>> ahead = model.forecast(growth, steps=4)
        >>> ahead.mean().ravel().round(2), ahead.cdf(0.0).ravel().round(2)
        (array([0.62, 1.05, 1.2 , 1.06]), array([0.24, 0.15, 0.13, 0.16]))
        """
        reading.require_count("steps", steps)
        _, rows = self._seen(X, lengths, id, time)
        last = rows.x[np.cumsum(rows.sizes) - 1, : self.order]
        if np.isnan(last).any():
            raise ValueError(
                f"got a series whose last {self.order} values are not all known, expected them: "
                "what comes depends on them; leave out the steps after the last such values"
            )
        model, params = self._made(rows)
        names, rng = list(feature_names(self, 1)), self._drawing(random_state)
        return outlook(model, params, rows, int(steps), names, rng)

    # -- what `SequenceEstimator` asks for ----------------------------------------------------

    def _made(self, rows: GroupedRows | None = None) -> Made:
        check_is_fitted(self, "params_")
        return Made(self._model(), self.params_)

    def _tree_of_errors(self, errors: Any, note: str) -> LaggedErrors:
        start, transitions, series = errors
        return LaggedErrors(start, transitions, series, note)

    def _places(self, columns: list[str]) -> Iterator[Place]:
        return series_naming.places(self)

    def described(self) -> str:
        """What switches, in words."""
        return series_naming.described(self)

    def _to_record(self) -> Record:
        return series_record.to_record(self)

    @classmethod
    def _from_record(cls, written: Record) -> MarkovAutoregression:
        return series_record.restore(cls, written)
