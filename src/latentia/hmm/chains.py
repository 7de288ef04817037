"""How the states of a hidden Markov model follow one another: where they start, and transitions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import xlogy

from latentia.engine.chart import Chart
from latentia.engine.space import Constraint, Fixed, Masked, Simplex, Tied
from latentia.families.cells import slope

from . import probabilities
from .structures import with_values

Array = NDArray[np.float64]

ROUNDS, SETTLED = 60, 1e-14
"""Counting again where the start follows from the transitions: how often, and until when."""


class Moves(NamedTuple):
    """A quantity of the start and one of the transitions: parameters, counts or gradients."""

    start: Any
    transitions: Any


class MarkovChain(ABC):
    """The law of the states z_1, z_2, ... of a sequence, as a part of a hidden Markov model.

    Parameters are `Moves`; so are statistics, the expected numbers of starts (K,) and of
    transitions (K, K).

    Attributes
    ----------
    n_states : int
    transitions : Constraint
        Of the rows of the transitions.
    """

    n_states: int
    transitions: Constraint

    @property
    @abstractmethod
    def space(self) -> Moves:
        """A Constraint at each parameter."""

    @abstractmethod
    def started(self, counts: Moves) -> Moves:
        """Parameters to start from, given positive counts, inside the constraints."""

    @abstractmethod
    def law(self, params: Moves) -> tuple[Array, Array]:
        """P(first state) (K,), and transitions (K, K)."""

    @abstractmethod
    def m_step(self, counts: Moves, params: Moves) -> Moves:
        """The parameters that maximise q; `params` are those that made the counts."""

    def q(self, params: Moves, counts: Moves) -> float:
        """sum_k start_k log P(k) + sum_ij transitions_ij log A_ij."""
        start, transitions = self.law(params)
        moved = xlogy(counts.transitions, transitions).sum()
        return float(xlogy(counts.start, start).sum() + moved)

    @abstractmethod
    def score(self, params: Moves, counts: Moves) -> Moves:
        """Gradient of `q` in the entries of the parameters."""


@final
class FreeStart(MarkovChain):
    """The start has probabilities of its own (Rabiner 1989, eqs. 40a and 40b).

    Parameters
    ----------
    n_states : int
    start : Constraint, optional
        By default `Simplex`.
    transitions : Constraint, optional
        Of the transitions' rows: a `Simplex`, whose support forbids what is False in it, `Fixed`,
        or `Masked` or `Tied` of a `Simplex`.
    values : array of shape (K, K), optional
        Transitions that are known, and nan where not, from which a start is made: what `Masked`
        holds.
    """

    def __init__(
        self,
        n_states: int,
        start: Constraint | None = None,
        transitions: Constraint | None = None,
        values: Array | None = None,
    ) -> None:
        self.n_states, self.values = n_states, values
        self.start = Simplex(exchangeable=(0,)) if start is None else start
        self.transitions = of_transitions(transitions)

    @property
    def space(self) -> Moves:
        return Moves(self.start, self.transitions)

    def started(self, counts: Moves) -> Moves:
        return Moves(
            probabilities.spread(self.start, counts.start),
            with_values(probabilities.spread(self.transitions, counts.transitions), self.values),
        )

    def law(self, params: Moves) -> tuple[Array, Array]:
        return params.start, params.transitions

    def m_step(self, counts: Moves, params: Moves) -> Moves:
        each = zip((self.start, self.transitions), counts, params, strict=True)
        return Moves(*(probabilities.most_likely(*one) for one in each))

    def score(self, params: Moves, counts: Moves) -> Moves:
        return Moves(*map(slope, counts, params))


class _Transitions(NamedTuple):
    transitions: Any


@final
class StationaryStart(MarkovChain):
    """The start is the distribution that the transitions leave as it is.

    It is no parameter of its own, so that the M-step's objective has log π(A) in it beside the
    transitions counted (Bulla & Berzel 2008, sec. 2.1).

    Parameters
    ----------
    n_states : int
    transitions : Constraint, optional
    values : array of shape (K, K), optional
        As in `FreeStart`.
    """

    def __init__(
        self,
        n_states: int,
        transitions: Constraint | None = None,
        values: Array | None = None,
    ) -> None:
        self.n_states, self.transitions = n_states, of_transitions(transitions)
        self.values = values

    @property
    def space(self) -> Moves:
        return Moves((), self.transitions)

    def started(self, counts: Moves) -> Moves:
        spread = probabilities.spread(self.transitions, counts.transitions)
        return Moves((), with_values(spread, self.values))

    def law(self, params: Moves) -> tuple[Array, Array]:
        return stationary(params.transitions), params.transitions

    def m_step(self, counts: Moves, params: Moves) -> Moves:
        """Rows proportional to the transitions counted and those that the start stands for.

        The gradient of log π(A) is that of so many more transitions, which depend on A: counting
        them again, and again, converges by the share of starts among all steps. Where there are so
        many starts that it does not, L-BFGS goes on in the chart.
        """
        here, height = params, self.q(params, counts)
        for _ in range(ROUNDS):
            pulled = counts.transitions + self._stood_for(here, counts)
            moved = probabilities.most_likely(self.transitions, pulled, here.transitions)
            off = float(np.abs(moved - here.transitions).max())
            there = Moves((), moved)
            higher = self.q(there, counts)
            if not higher >= height - 4e-16 * abs(height):
                break
            here, height = there, higher
            if off < SETTLED:
                return here
        return self._climbed(counts, here)

    def _stood_for(self, params: Moves, counts: Moves) -> Array:
        """Transitions that the starts stand for: A times the gradient of the starts' part of q.

        A row's gradient is defined up to a constant, here such that none is negative.
        """
        start, a = self.law(params)
        pull = self._fundamental(start, a) @ slope(counts.start, start)
        return np.asarray(a * np.outer(start, pull - pull.min()), dtype=np.float64)

    def _fundamental(self, start: Array, a: Array) -> Array:
        """Z of dπ = π dA Z, for rows of dA that sum to zero (Schweitzer 1968)."""
        return np.asarray(np.linalg.inv(np.eye(len(a)) - a + start), dtype=np.float64)

    def _climbed(self, counts: Moves, params: Moves) -> Moves:
        """The maximum by L-BFGS in the chart, from some parameters on."""
        space = _Transitions(self.transitions)
        chart = Chart(space, _Transitions(params.transitions))
        unit = max(float(counts.transitions.sum()), 1.0)

        def cost(x: Array) -> tuple[float, Array]:
            at = Moves((), chart.unpack(x).transitions)
            ahead = _Transitions(self.score(at, counts).transitions)
            height, uphill = self.q(at, counts), chart.pull(_Transitions(at.transitions), ahead)
            if not (np.isfinite(height) and np.isfinite(uphill).all()):
                return np.inf, np.zeros_like(x)
            return -height / unit, -uphill / unit

        here = np.zeros(chart.size)
        found: Any = minimize(
            cost,
            here,
            jac=True,
            method="L-BFGS-B",
            options={"gtol": 1e-11, "ftol": 1e-16, "maxiter": 500},
        )
        better = found.x if found.fun <= cost(here)[0] else here
        return Moves((), chart.unpack(better).transitions)

    def score(self, params: Moves, counts: Moves) -> Moves:
        start, a = self.law(params)
        through_start = np.outer(start, self._fundamental(start, a) @ slope(counts.start, start))
        return Moves((), slope(counts.transitions, a) + through_start)


def of_transitions(constraint: Constraint | None) -> Constraint:
    """A constraint of transitions, free if none is given."""
    return Simplex(exchangeable=(0, 1)) if constraint is None else constraint


def allowed(constraint: Constraint, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which probabilities of this shape a constraint does not forbid; none where all are fixed."""
    inner: Any = constraint
    groups: Any = slice(None)
    if isinstance(inner, Fixed):
        return np.zeros(shape, dtype=np.bool_)
    if isinstance(inner, Tied):
        groups, inner = inner.groups, inner.inner
    inner = inner.inner if isinstance(inner, Masked) else inner
    support = getattr(inner, "support", None)
    if support is None:
        return np.ones(shape, dtype=np.bool_)
    return np.broadcast_to(support if support.ndim == 1 else support[groups], shape)


def stationary(transitions: Array) -> Array:
    """The distribution π with π A = π, shape (K,); of several, the one of least squares.

    Examples
    --------
    >>> import numpy as np
    >>> stationary(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12)
    array([0.75, 0.25])
    """
    k = len(transitions)
    system = np.vstack([(np.eye(k) - transitions).T, np.ones(k)])
    solved = np.linalg.lstsq(system, np.append(np.zeros(k), 1.0), rcond=None)[0]
    positive = np.maximum(solved, 0.0)
    return positive / positive.sum()
