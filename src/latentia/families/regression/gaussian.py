"""Linear regressions with normal errors."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Coefficients, DegenerateError, Positive

from ..cells import BORROWED, ratio
from ..predictor import Basis
from .family import Regression, design, grams, least_squares, predictors

Array = NDArray[np.float64]

VANISHED = 1e-12
"""Share of the variance about one line for all, below which residuals are rounding."""


class GaussianRegressionParams(NamedTuple):
    """Coefficients (K, p), and residual variances (K,), or (1,) if components share it."""

    coefficients: Array
    variances: Array


class GaussianRegressionStats(NamedTuple):
    """Weighted cross products of each component, in the frame.

    Attributes
    ----------
    count : array of shape (K,)
        sum_i r_ik.
    gram : array of shape (K, p, p)
        sum_i r_ik x_i x_i'.
    cross : array of shape (K, p)
        sum_i r_ik x_i e_i.
    square : array of shape (K,)
        sum_i r_ik e_i².
    """

    count: Array
    gram: Array
    cross: Array
    square: Array


class LinearFrame(NamedTuple):
    """Coordinates in which cross products do not cancel.

    Attributes
    ----------
    basis : Basis
        Of the design.
    origin : array of shape (p,)
        Coefficients of one line for all rows; responses are taken as what it leaves, e.
    unit : float
        The standard deviation of e.
    """

    basis: Basis
    origin: Array
    unit: float

    @classmethod
    def of(cls, x: Array, weights: Array, n_features: int) -> LinearFrame:
        """The frame of rows of a design, an offset and a response."""
        basis = Basis.of(design(x, n_features), weights)
        rows = design(x, n_features) @ basis.columns
        target = np.asarray(x[:, -1] - x[:, n_features], dtype=np.float64)
        origin = np.zeros(n_features)
        for _ in range(2):  # the second time for what rounding left of the first
            left = target - design(x, n_features) @ origin
            found = least_squares(rows, left, np.asarray(weights)[:, None])[0]
            origin = origin + basis.out(found)
        left = target - design(x, n_features) @ origin
        unit = float(np.sqrt(weights @ left**2 / weights.sum()))
        return cls(basis, origin, unit if unit > 0 else 1.0)

    @classmethod
    def plain(cls, n_features: int) -> LinearFrame:
        """Everything as it is."""
        return cls(Basis.plain(n_features), np.zeros(n_features), 1.0)

    def into(self, coefficients: Array) -> Array:
        """Coefficients (K, p) in the frame."""
        return self.basis.into(coefficients - self.origin) / self.unit

    def out(self, coordinates: Array) -> Array:
        """The way back."""
        return self.origin + self.basis.out(coordinates * self.unit)


@final
class GaussianRegression(Regression[GaussianRegressionParams, GaussianRegressionStats]):
    """y ~ N(x'β_k + offset, σ_k²)  (Quandt & Ramsey 1978; DeSarbo & Cron 1988).

    The M-step is exact: weighted least squares from cross products. Without a floor a component
    whose residuals vanish has no maximum (`DegenerateError`).

    Parameters
    ----------
    n_components : int
    n_features : int
        Columns of the design; an offset and the response follow them.
    shared : bool, default=False
        Whether all components have one residual variance.
    floor : float, default=0.0
        Lower bound of the variances.
    frame : LinearFrame, optional
        Where cross products are summed; the rows as they are by default.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families.regression import GaussianRegression
    >>> rows = np.array([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 4.0], [1.0, 2.0, 0.0, 4.0]])
    >>> family, resp = GaussianRegression(1, 2), np.ones((3, 1))
    >>> params = family.start(rows, resp)
    >>> params = family.m_step(family.stats(params, rows, resp), params)
    >>> params.coefficients.round(3), params.variances.round(3)
    (array([[1.5, 1.5]]), array([0.5]))
    """

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        shared: bool = False,
        floor: float = 0.0,
        frame: LinearFrame | None = None,
    ) -> None:
        self.n_components, self.n_features = n_components, n_features
        self.shared, self.floor = shared, floor
        self.frame = LinearFrame.plain(n_features) if frame is None else frame
        self.basis = self.frame.basis

    @property
    def space(self) -> GaussianRegressionParams:
        lines = Coefficients(self.basis.columns * self.frame.unit, exchangeable=(0,))
        variances = Positive(self.floor, exchangeable=() if self.shared else (0,))
        return GaussianRegressionParams(cast(Any, lines), cast(Any, variances))

    def _framed(self, x: Array) -> tuple[Array, Array]:
        """The design in its basis, and what one line for all leaves of the responses."""
        rows = design(x, self.n_features)
        left = np.asarray(x[:, -1], dtype=np.float64) - x[:, self.n_features]
        return rows @ self.basis.columns, (left - rows @ self.frame.origin) / self.frame.unit

    def start(self, x: Array, resp: Array) -> GaussianRegressionParams:
        rows, left = self._framed(x)
        lines = least_squares(rows, left, resp)
        squares = (resp * (left[:, None] - rows @ lines.T) ** 2).sum(axis=0)
        total = resp.sum(axis=1)
        pooled = total @ left**2 / total.sum()
        pooled = pooled if pooled > VANISHED else 1.0
        count = resp.sum(axis=0)
        variances = (squares + BORROWED * pooled) / (count + BORROWED)
        if self.shared:
            variances = np.array([(count @ variances) / count.sum()])
        return self._above_floor(lines, variances)

    def _above_floor(self, lines: Array, variances: Array) -> GaussianRegressionParams:
        """Parameters from lines and variances in the frame."""
        raised = np.maximum(self.frame.unit**2 * variances, self.floor)
        return GaussianRegressionParams(self.frame.out(lines), raised)

    def log_density(self, params: GaussianRegressionParams, x: Array) -> Array:
        off = np.asarray(x[:, -1, None], dtype=np.float64) - predictors(params.coefficients, x)
        variances = params.variances
        return -(np.log(2 * np.pi * variances) + off**2 / variances) / 2

    def stats(
        self, params: GaussianRegressionParams, x: Array, resp: Array
    ) -> GaussianRegressionStats:
        rows, left = self._framed(x)
        weighted = resp * left[:, None]
        return GaussianRegressionStats(
            resp.sum(axis=0), grams(rows, resp), weighted.T @ rows, weighted.T @ left
        )

    def _squares(self, stats: GaussianRegressionStats, lines: Array) -> Array:
        """Weighted squares of the residuals, (K,), in the frame's unit."""
        bend = np.einsum("ki,kij,kj->k", lines, stats.gram, lines)
        made = stats.square - 2 * np.einsum("ki,ki->k", lines, stats.cross) + bend
        return np.maximum(made, 0.0)

    def m_step(
        self, stats: GaussianRegressionStats, params: GaussianRegressionParams
    ) -> GaussianRegressionParams:
        lines = self.frame.into(params.coefficients)
        slope = stats.cross - np.einsum("kij,kj->ki", stats.gram, lines)
        inverse = np.linalg.pinv(stats.gram, rcond=1e-10, hermitian=True)
        lines = lines + np.einsum("kij,kj->ki", inverse, slope)
        squares, count = self._squares(stats, lines), stats.count
        if self.shared:
            squares, count = squares.sum(keepdims=True), count.sum(keepdims=True)
        variances = ratio(squares, count, params.variances / self.frame.unit**2)
        if not self.floor:
            _refuse_vanished(variances, count > 0)
        return self._above_floor(lines, variances)

    def q(self, params: GaussianRegressionParams, stats: GaussianRegressionStats) -> float:
        squares = self._squares(stats, self.frame.into(params.coefficients))
        variances = params.variances
        known = stats.count * np.log(2 * np.pi * variances)
        return float(-np.sum(known + self.frame.unit**2 * squares / variances) / 2)

    def score(
        self, params: GaussianRegressionParams, stats: GaussianRegressionStats
    ) -> GaussianRegressionParams:
        lines, unit, variances = self.frame.into(params.coefficients), self.frame.unit, params[1]
        slope = stats.cross - np.einsum("kij,kj->ki", stats.gram, lines)
        in_lines = self.basis.chain(slope) * (unit / variances)[:, None]
        squares = unit**2 * self._squares(stats, lines)
        in_variances = (squares / variances - stats.count) / (2 * variances)
        if self.shared:
            in_variances = in_variances.sum(keepdims=True)
        return GaussianRegressionParams(in_lines, in_variances)

    def mean(self, params: GaussianRegressionParams, given: Array) -> Array:
        return predictors(params.coefficients, given)

    def response(
        self, params: GaussianRegressionParams, given: Array, rng: np.random.Generator
    ) -> Array:
        return rng.normal(self.mean(params, given), np.sqrt(params.variances))

    def on_scale(self, x: Array) -> Array:
        return np.asarray(x[:, -1] - x[:, self.n_features], dtype=np.float64)

    def wrong(self, x: Array) -> tuple[NDArray[np.bool_], str]:
        return ~np.isfinite(x[:, -1]), "expected a finite number"


def _refuse_vanished(variances: Array, alive: NDArray[np.bool_]) -> None:
    gone = alive & ~(variances > VANISHED)
    if gone.any():
        raise DegenerateError(
            f"the residuals of component {int(np.argmax(gone))} vanish, expected rows beside its "
            "line: it goes through too few different rows, and the likelihood has no maximum"
        )
