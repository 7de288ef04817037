"""Generalised linear regressions with a canonical link: counts, and successes among trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Coefficients

from ..parabola import Parabola, gradient, height
from ..predictor import Basis, reach, steps
from .family import Regression, design, grams, least_squares, predictors, with_pooled
from .outcome import BinomialOutcome, Outcome, PoissonOutcome

Array = NDArray[np.float64]

STEPS = 3
"""Newton steps from a line through the responses on the scale of the predictor."""


class GeneralisedRegressionParams(NamedTuple):
    """Coefficients of the linear predictor, (K, p)."""

    coefficients: Array


class GeneralisedRegressionStats(NamedTuple):
    """q of each component as a quadratic in its coefficients, in the basis.

    Attributes
    ----------
    predictor : Parabola
        Arrays of shapes (K,), (K, p) and (K, p, p).
    gram : array of shape (K, p, p)
        sum_i r_ik x_i x_i', which says how far predictions move.
    count : array of shape (K,)
        sum_i r_ik.
    """

    predictor: Parabola
    gram: Array
    count: Array


@final
class GeneralisedRegression(Regression[GeneralisedRegressionParams, GeneralisedRegressionStats]):
    """y from an exponential family with E[y] a function of x'β_k + offset (Wedel & DeSarbo 1995).

    `PoissonRegression` and `BinomialRegression` make it. There are no finite statistics: the
    E-step returns value, gradient and information, and the M-step is a Newton step that moves
    predictors by no more than two, as a root mean square. Where responses can be predicted without
    error, coefficients grow until less than the tolerance is left to gain.

    Parameters
    ----------
    outcome : Outcome
    n_components : int
    n_features : int
        Columns of the design; those that the outcome has beside it, and the response, follow.
    basis : Basis, optional
        Of the design; the columns as they are by default.
    """

    m_step_exact = False

    def __init__(
        self, outcome: Outcome, n_components: int, n_features: int, basis: Basis | None = None
    ) -> None:
        self.outcome, self.n_beside = outcome, outcome.n_beside
        self.n_components, self.n_features = n_components, n_features
        self.basis = Basis.plain(n_features) if basis is None else basis

    @property
    def space(self) -> GeneralisedRegressionParams:
        lines = Coefficients(self.basis.columns, exchangeable=(0,))
        return GeneralisedRegressionParams(cast(Any, lines))

    def _trials(self, x: Array) -> Array:
        """The column before the response, (n, 1): trials, where there are any."""
        at = self.n_features + self.n_beside - 1
        return np.asarray(x[:, at, None], dtype=np.float64)

    def start(self, x: Array, resp: Array) -> GeneralisedRegressionParams:
        rows = design(x, self.n_features) @ self.basis.columns
        lines = least_squares(rows, self.on_scale(x), resp)
        params, mixed = GeneralisedRegressionParams(self.basis.out(lines)), with_pooled(resp)
        for _ in range(STEPS):
            params = self.m_step(self.stats(params, x, mixed), params)
        return params

    def log_density(self, params: GeneralisedRegressionParams, x: Array) -> Array:
        eta, y = predictors(params.coefficients, x), np.asarray(x[:, -1, None], dtype=np.float64)
        return self.outcome.log_density(eta, y, self._trials(x))

    def stats(
        self, params: GeneralisedRegressionParams, x: Array, resp: Array
    ) -> GeneralisedRegressionStats:
        return self.at(params, x)[1](resp)

    def at(
        self, params: GeneralisedRegressionParams, x: Array
    ) -> tuple[Array, Callable[[Array], GeneralisedRegressionStats]]:
        eta, y = predictors(params.coefficients, x), np.asarray(x[:, -1, None], dtype=np.float64)
        trials = self._trials(x)
        logs = self.outcome.log_density(eta, y, trials)

        def stats(resp: Array) -> GeneralisedRegressionStats:
            rows = design(x, self.n_features) @ self.basis.columns
            slope, information = self.outcome.slopes(eta, y, trials)
            made = Parabola.around(
                self.basis.into(params.coefficients),
                np.where(resp > 0, resp * logs, 0.0).sum(axis=0),
                (resp * slope).T @ rows,
                grams(rows, resp * information),
            )
            return GeneralisedRegressionStats(made, grams(rows, resp), resp.sum(axis=0))

        return logs, stats

    def m_step(
        self, stats: GeneralisedRegressionStats, params: GeneralisedRegressionParams
    ) -> GeneralisedRegressionParams:
        step = steps(stats.predictor, self.basis.into(params.coefficients), stats.gram)
        step *= reach(step, stats.gram, stats.count)[:, None]
        return GeneralisedRegressionParams(params.coefficients + self.basis.out(step))

    def q(self, params: GeneralisedRegressionParams, stats: GeneralisedRegressionStats) -> float:
        return float(height(stats.predictor, self.basis.into(params.coefficients)).sum())

    def score(
        self, params: GeneralisedRegressionParams, stats: GeneralisedRegressionStats
    ) -> GeneralisedRegressionParams:
        slope = gradient(stats.predictor, self.basis.into(params.coefficients))
        return GeneralisedRegressionParams(self.basis.chain(slope))

    def mean(self, params: GeneralisedRegressionParams, given: Array) -> Array:
        return self.outcome.mean(predictors(params.coefficients, given), self._trials(given))

    def response(
        self, params: GeneralisedRegressionParams, given: Array, rng: np.random.Generator
    ) -> Array:
        eta = predictors(params.coefficients, given)
        return self.outcome.draw(eta, self._trials(given), rng)

    def on_scale(self, x: Array) -> Array:
        y = np.asarray(x[:, -1], dtype=np.float64)
        return self.outcome.predictor(y, self._trials(x)[:, 0]) - x[:, self.n_features]

    def wrong(self, x: Array) -> tuple[NDArray[np.bool_], str]:
        return self.outcome.wrong(x[:, -1], self._trials(x)[:, 0])


def PoissonRegression(
    n_components: int, n_features: int, *, basis: Basis | None = None
) -> GeneralisedRegression:
    """Counts with log-linear means: columns are the design, an offset and the count.

    Parameters
    ----------
    n_components, n_features : int
    basis : Basis, optional
        As in `GeneralisedRegression`.

    Examples
    --------
    Twice the count over twice the exposure: the intercept is the logarithm of the rate.

    >>> import numpy as np
    >>> from latentia import EM
    >>> from latentia.data.arrays import Rows
    >>> from latentia.families.regression import PoissonRegression
    >>> from latentia.mixture import MixtureModel
    >>> rows = Rows.of([[1.0, 0.0, 5.0], [1.0, np.log(2), 10.0]])
    >>> one = MixtureModel(PoissonRegression(1, 1), 1, lambda r, rng: [np.ones((len(r), 1))])
    >>> fit = EM(tol=1e-9).fit(one, rows, rng=0)
    >>> print(np.exp(fit.params.components.coefficients).round(6))
    [[5.]]
    """
    return GeneralisedRegression(PoissonOutcome(), n_components, n_features, basis)


def BinomialRegression(
    n_components: int, n_features: int, *, basis: Basis | None = None
) -> GeneralisedRegression:
    """Logistic regressions: columns are the design, an offset, trials and successes.

    Parameters
    ----------
    n_components, n_features : int
    basis : Basis, optional
        As in `GeneralisedRegression`.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families.regression import BinomialRegression
    >>> family = BinomialRegression(1, 1)
    >>> family.fault(np.array([[1.0, 0.0, 4.0, 3.0], [1.0, 0.0, 4.0, 5.0]]))
    (1, 3, 'expected a whole number from 0 to its number of trials')
    """
    return GeneralisedRegression(BinomialOutcome(), n_components, n_features, basis)
