"""How likely each move from state to state is: constant, or following covariates by logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from latentia.engine.space import Contrasts, Simplex
from latentia.families.cells import slope
from latentia.families.parabola import Parabola
from latentia.families.predictor import Basis
from latentia.hmm import probabilities
from latentia.mixture.concomitant import Concomitant, ConcomitantParams, ConcomitantStats

Array = NDArray[np.float64]


class MoveLaw(ABC):
    """P(next state | state, z), with z the covariates of the step that is left.

    Attributes
    ----------
    n_states : int
    n_features : int
        Columns of z; none where moves are the same at all steps.
    m_step_exact : bool
        False where `m_step` is a Newton step.
    """

    n_states: int
    n_features: int
    m_step_exact: bool = True

    @property
    @abstractmethod
    def space(self) -> Any:
        """A Constraint at each parameter."""

    @abstractmethod
    def start(self, z: Array, moves: Array) -> Any:
        """Parameters to start from, given weighted moves (n, K, K) from steps of covariates z."""

    @abstractmethod
    def log_transitions(self, params: Any, z: Array) -> Array:
        """Logarithms of the probabilities, (n, K, K)."""

    @abstractmethod
    def stats(self, params: Any, z: Array, moves: Array) -> Any:
        """Statistics of weighted moves, additive over steps."""

    @abstractmethod
    def m_step(self, stats: Any, params: Any) -> Any:
        """The parameters that maximise q; `params` are those that made the statistics."""

    @abstractmethod
    def q(self, params: Any, stats: Any) -> float:
        """sum_t sum_ij moves[t, i, j] log P(j | i, z_t), linear in the statistics."""

    @abstractmethod
    def score(self, params: Any, stats: Any) -> Any:
        """Gradient of `q` in the entries of the parameters."""


@final
class ConstantMoves(MoveLaw):
    """One matrix of transitions for all steps; statistics are expected numbers of moves, (K, K).

    Parameters
    ----------
    n_states : int
    """

    n_features = 0

    def __init__(self, n_states: int) -> None:
        self.n_states, self._simplex = n_states, Simplex(exchangeable=(0, 1))

    @property
    def space(self) -> Any:
        return self._simplex

    def start(self, z: Array, moves: Array) -> Array:
        total = moves.sum(axis=0)
        share = total.sum(axis=0) + 1.0  # a move of each state is imagined beside those seen
        return probabilities.spread(self._simplex, total + share / share.sum())

    def log_transitions(self, params: Array, z: Array) -> Array:
        with np.errstate(divide="ignore"):
            logs = np.log(params)
        return np.broadcast_to(logs, (len(z), self.n_states, self.n_states))

    def stats(self, params: Array, z: Array, moves: Array) -> Array:
        return moves.sum(axis=0)

    def m_step(self, stats: Array, params: Array) -> Array:
        return probabilities.most_likely(self._simplex, stats, params)

    def q(self, params: Array, stats: Array) -> float:
        return float(xlogy(stats, params).sum())

    def score(self, params: Array, stats: Array) -> Array:
        return slope(stats, params)


class LogitMovesParams(NamedTuple):
    """Logits of moves from state i to j against those to state 0, (K, K, q)."""

    coefficients: Array


class LogitMovesStats(NamedTuple):
    """Of the logits of each state that is left, one behind the other.

    Attributes
    ----------
    constant, linear, curvature : arrays of shapes (K,), (K, (K - 1) q) and (K, (K - 1) q, ...)
        q as a quadratic in the free coefficients.
    gram : array of shape (K, q, q)
    count : array of shape (K,)
    """

    constant: Array
    linear: Array
    curvature: Array
    gram: Array
    count: Array


@final
class LogitMoves(MoveLaw):
    """P(j | i, z) = exp(z'γ_ij) / sum_l exp(z'γ_il), γ_i0 = 0.

    (Diebold, Lee & Weinbach 1994, sec. 1; Visser & Speekenbrink 2010, eq. 4.) Each state that is
    left has a multinomial logit of its own (`Concomitant`), stepped by Newton's method.

    Parameters
    ----------
    n_states : int
    n_features : int
        Columns of z, q.
    basis : Basis, optional
        Of the covariates; the columns as they are by default.
    """

    m_step_exact = False

    def __init__(self, n_states: int, n_features: int, basis: Basis | None = None) -> None:
        self.n_states, self.n_features = n_states, n_features
        self.logit = Concomitant(n_states, n_features, basis)

    @property
    def space(self) -> Any:
        return LogitMovesParams(Contrasts(self.logit.basis.columns, axes=2))  # type: ignore[arg-type]

    def _each(self, params: LogitMovesParams) -> list[ConcomitantParams]:
        return [ConcomitantParams(own) for own in params.coefficients]

    def start(self, z: Array, moves: Array) -> LogitMovesParams:
        mean = moves.sum(axis=1, keepdims=True) / self.n_states
        found = [
            self.logit.start(z, moves[:, i] + 0.01 * mean[:, 0]).coefficients
            if mean.any()
            else np.zeros((self.n_states, self.n_features))
            for i in range(self.n_states)
        ]
        return LogitMovesParams(np.stack(found))

    def log_transitions(self, params: LogitMovesParams, z: Array) -> Array:
        return np.stack([self.logit.log_weights(own, z) for own in self._each(params)], axis=1)

    def stats(self, params: LogitMovesParams, z: Array, moves: Array) -> LogitMovesStats:
        each = [self.logit.stats(own, z, moves[:, i]) for i, own in enumerate(self._each(params))]
        flat = [(*own.logit, own.gram, own.count) for own in each]
        return LogitMovesStats(*map(np.stack, zip(*flat, strict=True)))

    def _apart(self, stats: LogitMovesStats) -> list[ConcomitantStats]:
        """The statistics of each state that is left."""
        return [ConcomitantStats(Parabola(*own[:3]), *own[3:]) for own in zip(*stats, strict=True)]

    def m_step(self, stats: LogitMovesStats, params: LogitMovesParams) -> LogitMovesParams:
        pairs = zip(self._apart(stats), self._each(params), strict=True)
        return LogitMovesParams(np.stack([self.logit.m_step(*own).coefficients for own in pairs]))

    def q(self, params: LogitMovesParams, stats: LogitMovesStats) -> float:
        pairs = zip(self._each(params), self._apart(stats), strict=True)
        return sum(self.logit.q(*own) for own in pairs)

    def score(self, params: LogitMovesParams, stats: LogitMovesStats) -> LogitMovesParams:
        pairs = zip(self._each(params), self._apart(stats), strict=True)
        return LogitMovesParams(np.stack([self.logit.score(*own).coefficients for own in pairs]))
