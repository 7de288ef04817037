"""One long sequence from both of its ends at once, block by block.

One thread goes forward through the first half while another goes backward through the second; in
the middle they learn what the other half says, and each turns back over its own. Backward is
forward on the chain in a mirror: reversed steps, transposed transitions. So both do the same, and
the result does not depend on how many threads there are.

On the way back densities and forward variables are at hand, or made again from what was kept of
every block's first step (Tarnas & Hughey 1998): memory is then that of one block.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.backend import shared_out
from latentia.engine.tree import add

from . import kernels, logs
from .workspace import Workspace

Array = NDArray[np.float64]

BLOCK = 16_384
"""Steps of a block where everything is kept."""

SHORTEST = 2_048
"""Steps of a block, at least, where only blocks' first steps are kept."""


class Steps(NamedTuple):
    """The steps of one sequence, as passes ask for them.

    Attributes
    ----------
    n : int
        How many.
    log_density : callable
        log f(x_t | state) of steps ``first`` to ``last``, shape (last - first, K).
    statistics : callable
        The family's statistics of these steps, weighted by an array of that shape.
    """

    n: int
    log_density: Callable[[int, int], Array]
    statistics: Callable[[int, int, Array], Any]


class Counted(NamedTuple):
    """What the steps of a sequence say: its log-likelihood, and weighted expected statistics."""

    loglik: float
    start: Array
    transitions: Array
    emissions: Any


class _Chain(NamedTuple):
    """Where one half starts, and how states follow one another in its direction."""

    start: Array
    transitions: Array


class _Held(NamedTuple):
    """The arrays of one block: densities (n, width), forward variables, scales and tops (n,)."""

    density: Array
    alpha: Array
    scale: Array
    top: Array


class _Arithmetic(ABC):
    """Probabilities scaled, or in logarithms: what a pass over one block does."""

    width: int
    start: Array
    transitions: Array
    neutral: Array
    gone: Array

    @abstractmethod
    def onward(self, alpha: Array, transitions: Array) -> Array:
        """What the next step's states have from those of this one."""

    @abstractmethod
    def forward(
        self, log_density: Array, chain: _Chain, flow: Array, held: _Held, half: int
    ) -> float | None:
        """Fill a block from what its first step has; its log-likelihood, None if lost."""

    @abstractmethod
    def backward(
        self, held: _Held, chain: _Chain, edge: Array, weight: float, pairs: Array, begun: Array
    ) -> None:
        """Posteriors in place of densities, from the backward variables of the last step."""

    @abstractmethod
    def share(self, flow: Array, beyond: Array) -> float:
        """The logarithm of what both halves have in common; nan if that may be lost."""

    @abstractmethod
    def over(self, values: Array, share: float, weight: float) -> Array:
        """Variables over that share, as `backward` begins with them."""

    @abstractmethod
    def crossing(self, alpha: Array, after: Array, transitions: Array, weight: float) -> Array:
        """What the transition from one block to the next adds to the pairs."""

    @abstractmethod
    def counted(self, pairs: Array) -> Array:
        """Expected transitions of sums of pairs."""


@final
class _Scaled(_Arithmetic):
    def __init__(self, start: Array, transitions: Array) -> None:
        self.n_states, self.width = len(start), kernels.width_of(len(start))
        self.start = kernels.padded(start, self.width)
        self.transitions = kernels.padded(transitions, self.width)
        self.neutral = kernels.padded(np.ones(len(start)), self.width)
        self.careful = not bool((transitions >= kernels.MIXING).all())
        unrolled = self.width if self.width <= kernels.WIDE else 0
        self._forward, self._backward = kernels.forward(unrolled), kernels.backward(unrolled)
        self.gone = np.zeros((2, 1))

    def onward(self, alpha: Array, transitions: Array) -> Array:
        return alpha @ transitions

    def forward(
        self, log_density: Array, chain: _Chain, flow: Array, held: _Held, half: int
    ) -> float | None:
        n, lost = len(log_density), np.zeros(1, dtype=np.bool_)
        kernels.shifted(log_density, held.density, held.top)
        faint = np.zeros(n if self.careful else 1, dtype=np.bool_)
        if self.careful:
            kernels.faint_steps(log_density, held.top, faint)
        self._forward(
            held.density,
            flow,
            chain.transitions,
            np.array([0, n]),
            self.careful,
            faint,
            held.alpha,
            held.scale,
            self.gone[half],
            lost,
        )
        return None if lost[0] else kernels.height(held.scale, held.top)

    def backward(
        self, held: _Held, chain: _Chain, edge: Array, weight: float, pairs: Array, begun: Array
    ) -> None:
        turned = np.ascontiguousarray(chain.transitions.T)
        ends, lost = np.array([0, len(held.scale)]), np.zeros(1, dtype=np.bool_)
        line = edge[None]
        self._backward(held.density, held.alpha, held.scale, turned, ends, line, lost, pairs, begun)

    def share(self, flow: Array, beyond: Array) -> float:
        share = float(flow @ beyond)
        lost = not share > kernels.FAINT
        if not lost and self.careful:
            lost = (self.gone.sum() + kernels.FAINT) / share > kernels.TRACE
        return math.nan if lost else math.log(share)

    def over(self, values: Array, share: float, weight: float) -> Array:
        return values * (weight / math.exp(share))

    def crossing(self, alpha: Array, after: Array, transitions: Array, weight: float) -> Array:
        return np.outer(alpha, after)

    def counted(self, pairs: Array) -> Array:
        return (pairs * self.transitions)[: self.n_states, : self.n_states]


@final
class _InLogs(_Arithmetic):
    def __init__(self, start: Array, transitions: Array) -> None:
        self.n_states = self.width = len(start)
        with np.errstate(divide="ignore"):
            self.start, self.transitions = np.log(start), np.log(transitions)
        self.neutral, self.gone = np.zeros(len(start)), np.zeros((2, 1))

    def onward(self, alpha: Array, transitions: Array) -> Array:
        return np.array([logs.log_sum(alpha + column) for column in transitions.T])

    def forward(
        self, log_density: Array, chain: _Chain, flow: Array, held: _Held, half: int
    ) -> float | None:
        held.density[:] = log_density
        return logs.forward(held.density, flow, chain.transitions, held.alpha, held.scale)

    def backward(
        self, held: _Held, chain: _Chain, edge: Array, weight: float, pairs: Array, begun: Array
    ) -> None:
        a = np.ascontiguousarray(chain.transitions)
        d = held.density
        logs.backward(d, held.alpha, held.scale, a, edge, weight, d, pairs, begun)

    def share(self, flow: Array, beyond: Array) -> float:
        return logs.log_sum(flow + beyond)

    def over(self, values: Array, share: float, weight: float) -> Array:
        return values - share

    def crossing(self, alpha: Array, after: Array, transitions: Array, weight: float) -> Array:
        return weight * np.exp(alpha[:, None] + transitions + after)

    def counted(self, pairs: Array) -> Array:
        return pairs


@final
class _Half:
    """Some steps, in the direction in which a pass first goes over them."""

    def __init__(
        self,
        steps: Steps,
        among: tuple[int, int],
        number: int,
        chain: _Chain,
        arithmetic: _Arithmetic,
        checkpointing: bool,
        line: Array,
    ) -> None:
        self.steps, self.number = steps, number
        self.chain, self.arithmetic, self.checkpointing = chain, arithmetic, checkpointing
        first, last = among
        self.blocks = _blocks(last - first, checkpointing)
        if number:
            self.rows = [(last - end, last - begin) for begin, end in self.blocks]
        else:
            self.rows = [(first + begin, first + end) for begin, end in self.blocks]
        size, width = _held(last - first, checkpointing), arithmetic.width
        wide = size * width
        self.whole = _Held(
            line[:wide].reshape(size, width),
            line[wide : 2 * wide].reshape(size, width),
            line[2 * wide : 2 * wide + size],
            line[2 * wide + size : 2 * (wide + size)],
        )
        self.entering: list[Array] = []
        self.leaving: list[Array] = []

    def _at(self, i: int) -> _Held:
        begin, end = self.blocks[i]
        if self.checkpointing:
            begin, end = 0, end - begin
        return _Held(*(array[begin:end] for array in self.whole))

    def _fill(self, i: int) -> float | None:
        log_density = self.steps.log_density(*self.rows[i])
        log_density = np.ascontiguousarray(log_density[::-1] if self.number else log_density)
        return self.arithmetic.forward(
            log_density, self.chain, self.entering[i], self._at(i), self.number
        )

    def there(self) -> float:
        """Away from the end, to the middle; the log-likelihood of the steps, nan if lost."""
        flow, heights = self.chain.start, []
        for i in range(len(self.blocks)):
            self.entering.append(flow)
            height = self._fill(i)
            if height is None or not math.isfinite(height):
                return np.nan if height is None else height
            heights.append(height)
            self.leaving.append(self._at(i).alpha[-1].copy())
            flow = self.arithmetic.onward(self.leaving[-1], self.chain.transitions)
        return math.fsum(heights)

    def back(self, edge: Array, weight: float) -> Counted:
        """From the middle, whose backward variables are `edge`, to the end."""
        arithmetic, chain = self.arithmetic, self.chain
        width, k = arithmetic.width, len(arithmetic.counted(np.zeros((arithmetic.width,) * 2)))
        pairs, made = np.zeros((width, width)), None
        for i in range(len(self.blocks) - 1, -1, -1):
            if self.checkpointing and i < len(self.blocks) - 1:
                arithmetic.gone[self.number] = 0.0  # what it bounds has been seen to
                self._fill(i)
            held, begun = self._at(i), np.zeros(width)
            arithmetic.backward(held, chain, edge, weight, pairs, begun)
            resp = held.density[::-1] if self.number else held.density
            resp = np.ascontiguousarray(resp[:, :k])
            found = self.steps.statistics(*self.rows[i], resp)
            made = found if made is None else add(made, found)
            if i:
                before = self.leaving[i - 1]
                pairs += arithmetic.crossing(before, edge, chain.transitions, weight)
                edge = arithmetic.onward(edge, chain.transitions.T)
        return Counted(0.0, begun[:k], pairs, made)


def counted(
    steps: Steps,
    start: Array,
    transitions: Array,
    weight: float,
    *,
    checkpointing: bool = False,
    workspace: Workspace | None = None,
) -> Counted:
    """Forward-backward over one sequence of two steps or more, without an array of posteriors.

    Parameters
    ----------
    steps : Steps
    start, transitions : arrays of shape (K,) and (K, K)
    weight : float
        How often the sequence counts.
    checkpointing : bool, default=False
        Whether memory is O(√n K) rather than O(n K), for a second pass forward.
    workspace : Workspace, optional
        Whose memory is used.

    Returns
    -------
    Counted
        Without statistics where the log-likelihood is not finite.

    Notes
    -----
    Where scaled probabilities may have lost something that matters, all is done again in
    logarithms.
    """
    space = Workspace() if workspace is None else workspace
    arithmetics: list[Callable[[Array, Array], _Arithmetic]] = [_Scaled, _InLogs]
    if ((transitions > 0) & (transitions < kernels.MIXING)).any():
        del arithmetics[0]  # products of such with what is left may vanish unseen
    found = None
    for arithmetic in arithmetics:
        found = _from_both_ends(steps, arithmetic(start, transitions), weight, checkpointing, space)
        if not math.isnan(found.loglik):
            break
    assert found is not None
    return found


def _from_both_ends(
    steps: Steps, by: _Arithmetic, weight: float, checkpointing: bool, space: Workspace
) -> Counted:
    middle = steps.n // 2
    size = _held(steps.n - middle, checkpointing) * 2 * (by.width + 1)
    mirrored = _Chain(by.neutral, np.ascontiguousarray(by.transitions.T))
    with space.lent(size) as one, space.lent(size) as other:
        halves = (
            _Half(steps, (0, middle), 0, _Chain(by.start, by.transitions), by, checkpointing, one),
            _Half(steps, (middle, steps.n), 1, mirrored, by, checkpointing, other),
        )
        heights = shared_out(lambda i: halves[i].there(), 2)
        nothing = Counted(sum(heights), np.zeros(0), np.zeros((0, 0)), None)
        if not math.isfinite(nothing.loglik):
            return nothing
        before, after = (half.leaving[-1] for half in halves)
        flow = by.onward(before, by.transitions)
        beyond = by.onward(after, mirrored.transitions)
        share = by.share(flow, after)
        if not math.isfinite(share):
            return nothing._replace(loglik=share)
        edges = (by.over(each, share, weight) for each in (beyond, flow))
        across = by.crossing(before, by.over(after, share, weight), by.transitions, weight)
        given = list(edges)
        first, second = shared_out(lambda i: halves[i].back(given[i], weight), 2)
    pairs = by.counted(first.transitions + second.transitions.T + across)
    loglik = nothing.loglik + share
    return Counted(loglik, first.start, pairs, add(first.emissions, second.emissions))


def _blocks(n: int, checkpointing: bool) -> list[tuple[int, int]]:
    """Where blocks begin and end, all of about one size."""
    size = _size(n, checkpointing)
    return [(at, min(at + size, n)) for at in range(0, n, size)]


def _size(n: int, checkpointing: bool) -> int:
    most = max(math.isqrt(n), SHORTEST) if checkpointing else BLOCK
    return -(-n // -(-n // most))


def _held(n: int, checkpointing: bool) -> int:
    """Steps of which arrays are kept."""
    return _size(n, True) if checkpointing else n
