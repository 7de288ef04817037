"""Autoregressions whose level, coefficients and variance depend on the states of a chain."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import DegenerateError, Positive, Real

Array = NDArray[np.float64]

VANISHED = 1e-12
"""Share of the variance of the series below which residuals are rounding."""

ROUNDS = 50
"""Least squares and variances by turns in one M-step, at most."""

SETTLED = 1e-13
"""Share of the squares that a round has to gain for another to follow."""


class AutoregressionParams(NamedTuple):
    """Of K states and p lags.

    Attributes
    ----------
    levels : array of shape (K,)
        Means that the series deviates from, or intercepts.
    coefficients : array of shape (K, p), or (1, p) if states share them
    variances : array of shape (K,), or (1,)
    """

    levels: Array
    coefficients: Array
    variances: Array


@final
class Autoregression:
    """y_t = level + sum_i φ_i (y_t-i - level_t-i) + e_t, e_t ~ N(0, σ²).

    About the mean of its own state each lag is a deviation (`centred`; Hamilton 1989, eq. 2.1), so
    that the density depends on the states of p + 1 steps: the chain is one of tuples. With
    intercepts, y_t = c + sum_i φ_i y_t-i + e_t, it depends on that of step t alone (Hamilton 1994,
    sec. 22.4).

    Rows are (y_t, y_t-1, ..., y_t-p). Statistics are the cross products of (row, 1) for each tuple
    of states, in `origin` and `unit`; tuples are numbered with the state of step t first.

    Parameters
    ----------
    n_states, order : int
        K and p.
    centred : bool
    shared_coefficients, shared_variance : bool
        Whether all states have the same.
    floor : float
        Under variances.
    origin, unit : float
        In which cross products are summed, so that they do not cancel.
    """

    def __init__(
        self,
        n_states: int,
        order: int,
        *,
        centred: bool = True,
        shared_coefficients: bool = True,
        shared_variance: bool = True,
        floor: float = 0.0,
        origin: float = 0.0,
        unit: float = 1.0,
    ) -> None:
        self.n_states, self.order, self.centred = n_states, order, centred
        self.shared_coefficients, self.shared_variance = shared_coefficients, shared_variance
        self.floor, self.origin, self.unit = floor, origin, unit
        steps = order + 1 if centred else 1
        grid = np.indices((n_states,) * steps).reshape(steps, -1).T
        self.tuples: NDArray[np.intp] = grid  # (G, p + 1), or (K, 1)
        self.own = np.zeros(len(grid), np.intp) if shared_coefficients else grid[:, 0]
        self.noise = np.zeros(len(grid), np.intp) if shared_variance else grid[:, 0]
        # least squares settle in one round where no state's weight depends on a variance
        self.m_step_exact = not centred and (shared_variance or not shared_coefficients)

    @property
    def space(self) -> AutoregressionParams:
        rows = () if self.shared_coefficients else (0,)
        noise = Positive(self.floor, exchangeable=() if self.shared_variance else (0,))
        return AutoregressionParams(
            cast(Any, Real(self.unit, exchangeable=(0,))),
            cast(Any, Real(exchangeable=rows)),
            cast(Any, noise),
        )

    # -- in the unit of the cross products ---------------------------------------------------

    def _inside(self, params: AutoregressionParams) -> tuple[Array, Array]:
        """Levels in the origin and unit, and coefficients."""
        away = params.levels - self.origin * self._left(params.coefficients)
        return away / self.unit, params.coefficients

    def _left(self, coefficients: Array) -> Array:
        """What is left of a level that all steps share, (K,)."""
        if self.centred:
            return np.ones(self.n_states)
        return np.broadcast_to(1 - coefficients.sum(axis=1), (self.n_states,))

    def _outside(self, levels: Array, coefficients: Array, variances: Array) -> Any:
        away = self.origin * self._left(coefficients)
        return AutoregressionParams(away + self.unit * levels, coefficients, variances)

    def _weights(self, levels: Array, coefficients: Array) -> Array:
        """What (y_t, ..., y_t-p, 1) is multiplied with to give the residual, (G, p + 2)."""
        phi = coefficients[self.own]
        constant = levels[self.tuples[:, 0]]
        if self.centred:
            constant = constant - (phi * levels[self.tuples[:, 1:]]).sum(axis=1)
        ones = np.ones((len(self.tuples), 1))
        return np.hstack([ones, -phi, -constant[:, None]])

    def _framed(self, x: Array) -> Array:
        """Rows in the origin and unit, and a column of ones."""
        rows = (np.asarray(x, dtype=np.float64) - self.origin) / self.unit
        return np.hstack([rows, np.ones((len(rows), 1))])

    # -- densities and statistics ------------------------------------------------------------

    def residuals(self, params: AutoregressionParams, x: Array) -> Array:
        """e_t of each row and tuple of states, (n, G)."""
        return self.unit * (self._framed(x) @ self._weights(*self._inside(params)).T)

    def log_density(self, params: AutoregressionParams, x: Array) -> Array:
        """log f(y_t | lags, states), (n, G)."""
        variances = params.variances[self.noise]
        return -(np.log(2 * np.pi * variances) + self.residuals(params, x) ** 2 / variances) / 2

    def stats(self, x: Array, resp: Array) -> Array:
        """Cross products of rows weighted by `resp` (n, G), (G, p + 2, p + 2)."""
        rows = self._framed(x)
        return np.stack([rows.T @ (each[:, None] * rows) for each in resp.T])

    def _squares(self, cross: Array, levels: Array, coefficients: Array) -> Array:
        """Weighted squares of the residuals of each tuple, (G,), in the unit."""
        weights = self._weights(levels, coefficients)
        return np.maximum(np.einsum("gi,gij,gj->g", weights, cross, weights), 0.0)

    def q(self, params: AutoregressionParams, cross: Array) -> float:
        """sum_t sum_g resp[t, g] log f(y_t | lags, g)."""
        variances = params.variances[self.noise]
        squares = self.unit**2 * self._squares(cross, *self._inside(params))
        known = cross[:, -1, -1] * np.log(2 * np.pi * variances)
        return float(-np.sum(known + squares / variances) / 2)

    def _slope(
        self, cross: Array, levels: Array, coefficients: Array, precision: Array
    ) -> tuple[Array, Array]:
        """Gradient of -sum_g precision_g squares_g / 2 in levels (K,) and coefficients."""
        v = precision[:, None] * np.einsum("gij,gj->gi", cross, self._weights(levels, coefficients))
        in_levels, in_coefficients = np.zeros(self.n_states), np.zeros(coefficients.shape)
        np.add.at(in_levels, self.tuples[:, 0], v[:, -1])
        for i in range(self.order):
            own = v[:, i + 1].copy()
            if self.centred:
                own -= v[:, -1] * levels[self.tuples[:, i + 1]]
                moved = -v[:, -1] * coefficients[self.own, i]
                np.add.at(in_levels, self.tuples[:, i + 1], moved)
            np.add.at(in_coefficients[:, i], self.own, own)
        return in_levels, in_coefficients

    def score(self, params: AutoregressionParams, cross: Array) -> AutoregressionParams:
        """Gradient of `q` in the entries of the parameters."""
        levels, coefficients = self._inside(params)
        variances = params.variances[self.noise]
        precision = self.unit**2 / variances
        in_levels, in_coefficients = self._slope(cross, levels, coefficients, precision)
        in_levels = in_levels / self.unit
        if not self.centred:
            by_row = np.zeros(len(coefficients))
            np.add.at(by_row, self.own, in_levels)
            in_coefficients = in_coefficients + self.origin * by_row[:, None]
        squares = self.unit**2 * self._squares(cross, levels, coefficients)
        each = (squares / variances - cross[:, -1, -1]) / (2 * variances)
        in_variances = np.zeros(len(params.variances))
        np.add.at(in_variances, self.noise, each)
        return AutoregressionParams(in_levels, in_coefficients, in_variances)

    # -- the M-step --------------------------------------------------------------------------

    def m_step(self, cross: Array, params: AutoregressionParams) -> AutoregressionParams:
        """Weighted least squares and variances by turns, until these gain nothing.

        About means the squares are not quadratic, and each round is a Gauss-Newton step that is
        halved until they do not rise.

        Raises
        ------
        DegenerateError
            If residuals of a state vanish and there is no floor.
        """
        levels, coefficients = self._inside(params)
        variances = np.asarray(params.variances, dtype=np.float64)
        before = self._cost(cross, levels, coefficients, variances)
        for _ in range(ROUNDS):
            precision = self.unit**2 / variances[self.noise]
            levels, coefficients = self._stepped(cross, levels, coefficients, precision)
            squares = self.unit**2 * self._squares(cross, levels, coefficients)
            variances = self._variances(squares, cross[:, -1, -1], variances)
            after = self._cost(cross, levels, coefficients, variances)
            if not before - after > SETTLED * abs(before):
                break
            before = after
        return self._outside(levels, coefficients, variances)

    def _cost(self, cross: Array, levels: Array, coefficients: Array, variances: Array) -> float:
        """-2 q, but for a constant."""
        each = variances[self.noise]
        squares = self.unit**2 * self._squares(cross, levels, coefficients)
        return float(np.sum(cross[:, -1, -1] * np.log(each) + squares / each))

    def _stepped(
        self, cross: Array, levels: Array, coefficients: Array, precision: Array
    ) -> tuple[Array, Array]:
        k, jacobian = self.n_states, self._jacobian(levels, coefficients)
        in_levels, in_coefficients = self._slope(cross, levels, coefficients, precision)
        uphill = np.concatenate([in_levels, in_coefficients.ravel()])
        bend = np.einsum("g,gai,gij,gbj->ab", precision, jacobian, cross, jacobian)
        step = np.linalg.pinv(bend, rcond=1e-12, hermitian=True) @ uphill
        height = float(precision @ self._squares(cross, levels, coefficients))
        for _ in range(30):
            made = levels + step[:k], coefficients + step[k:].reshape(coefficients.shape)
            if float(precision @ self._squares(cross, *made)) <= height:
                return made
            step = step / 2
        return levels, coefficients

    def _jacobian(self, levels: Array, coefficients: Array) -> Array:
        """Derivative of each tuple's weights in levels and coefficients, (G, K + rows p, p + 2)."""
        n, k, p = len(self.tuples), self.n_states, self.order
        made, each = np.zeros((n, k + coefficients.size, p + 2)), np.arange(n)
        constant = made[:, :, -1]
        np.add.at(constant, (each, self.tuples[:, 0]), -1.0)
        for i in range(p):
            place = k + self.own * p + i
            made[each, place, i + 1] = -1.0
            if self.centred:
                constant[each, place] = levels[self.tuples[:, i + 1]]
                np.add.at(constant, (each, self.tuples[:, i + 1]), coefficients[self.own, i])
        return made

    def _variances(self, squares: Array, count: Array, old: Array) -> Array:
        total, rows = np.zeros(len(old)), np.zeros(len(old))
        np.add.at(total, self.noise, squares)
        np.add.at(rows, self.noise, count)
        made = np.where(rows > 0, total / np.where(rows > 0, rows, 1.0), old)
        if not self.floor:
            gone = (rows > 0) & ~(made > VANISHED * self.unit**2)
            if gone.any():
                raise DegenerateError(
                    f"the residuals of state {int(np.argmax(gone))} vanish: it goes through too "
                    "few different steps, and the likelihood has no maximum"
                )
        return np.maximum(made, self.floor)
