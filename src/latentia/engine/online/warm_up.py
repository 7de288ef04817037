"""A few passes by blocks before full steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from ..backend import Mapper, Threads
from ..chart import Chart
from ..model import Chunk, Model, Source, Suff
from ..tree import Tree
from . import incremental, stepwise
from .blocks import STEP_FAILURES, Block, block_suff, split

P = TypeVar("P", bound=tuple[Any, ...])
S = TypeVar("S", stepwise.Stepwise, incremental.Incremental)

METHODS = ("stepwise", "incremental", "subsets")
"""The names that ``method`` takes."""

BLOCKS = 32
"""Blocks by default, if each has enough units."""

LEAST = 256
"""Units in a block by default, at least, if there are enough for two blocks."""


@dataclass(frozen=True)
class WarmUp:
    """How to warm up: passes over the data by blocks, with an M-step after each block.

    Parameters
    ----------
    passes : int, default=2
        Over all data; each costs as much as one full E-step.
    method : {"stepwise", "incremental", "subsets"}, default="stepwise"
        Averages that forget (Cappé & Moulines 2009), stored statistics of each block (Neal &
        Hinton 1998), or each block as though it were the whole (Hudson & Larkin 1994).
    block : int, optional
        Units in a block; by default a 32nd of the data, and at least 256.
    alpha : float, default=0.7
        Step sizes (t + t0)^-alpha of "stepwise": above 0.5, at most 1.
    offset : float, default=2.0
        t0 of "stepwise".
    average : bool, default=False
        For "stepwise": return the average of the parameters over the second half of the blocks.

    Raises
    ------
    TypeError, ValueError
        If a setting is not one of these.
    """

    passes: int = 2
    method: str = "stepwise"
    block: int | None = None
    alpha: float = 0.7
    offset: float = 2.0
    average: bool = False

    def __post_init__(self) -> None:
        _whole("passes", self.passes, 0)
        if self.block is not None:
            _whole("block", self.block, 1)
        if self.method not in METHODS:
            names = ", ".join(map(repr, METHODS))
            raise ValueError(f"got method={self.method!r}, expected one of {names}")
        if not 0.5 < _number("alpha", self.alpha) <= 1:
            raise ValueError(f"got alpha={self.alpha!r}, expected a number above 0.5 and at most 1")
        if not 0 <= _number("offset", self.offset) < np.inf:
            raise ValueError(f"got offset={self.offset!r}, expected a finite number of at least 0")
        if not isinstance(cast(Any, self.average), bool):
            raise TypeError(f"got average={self.average!r}, expected True or False")

    def run(
        self,
        model: Model[P, Any],
        data: Source | Sequence[Chunk],
        params: P,
        rng: np.random.Generator,
        mapper: Mapper | None = None,
    ) -> P:
        """Warm up from `params`; see `warm_up`."""
        if mapper is not None:
            return self.over(mapper, params, rng)
        if isinstance(data, Source):
            with Threads(1).open(model, data) as serial:
                return self.over(serial, params, rng)
        with Threads(1).over(model, list(data)) as serial:
            return self.over(serial, params, rng)

    def over(self, mapper: Mapper, params: P, rng: np.random.Generator) -> P:
        """Warm up from `params` on what an open backend has."""
        chunks = mapper.chunks
        n = sum(len(chunk) for chunk in chunks)
        if n < 2:
            raise ValueError(
                f"got data of {n} unit{'' if n == 1 else 's'} for {type(mapper.model).__name__}, "
                "expected at least 2, since online EM goes by blocks of units; leave the warm-up "
                "out"
            )
        return _Passes(self, mapper, split(chunks, self._n_blocks(n), rng)).run(params, rng)

    def _n_blocks(self, n: int) -> int:
        if self.block is not None:
            return -(-n // self.block)
        return max(2, min(BLOCKS, n // LEAST))


def warm_up(
    model: Model[P, Any],
    data: Source | Sequence[Chunk],
    params: P,
    passes: int,
    rng: np.random.Generator,
    *,
    method: str = "stepwise",
    block: int | None = None,
    alpha: float = 0.7,
    offset: float = 2.0,
    average: bool = False,
    mapper: Mapper | None = None,
) -> P:
    """A few passes by blocks of units, from which full EM steps go on.

    None of the methods is sure to raise the likelihood, so compare the objective at the result
    with that at `params`. A step that collapses or leaves the model's space is not taken.

    Parameters
    ----------
    model : Model
    data : Source or sequence of Chunk
        Chunks by themselves have to be prepared; those of a source are prepared here.
    params : params
        Where to begin.
    passes : int
        Over all data.
    rng : numpy.random.Generator
        Deals the units out to blocks and orders the blocks in each pass.
    method, block, alpha, offset, average
        As in `WarmUp`.
    mapper : Mapper, optional
        An open backend that the E-steps of a block are mapped with.

    Returns
    -------
    params

    Raises
    ------
    ValueError
        If there are fewer than two units.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.data.arrays import Rows, RowSource
    >>> from latentia.families.gaussian import Gaussian
    >>> from latentia import GaussianMixture, datasets
    >>> x = datasets.load("faithful").values
    >>> short = GaussianMixture(2, random_state=0).fit(x)
    >>> model = short._model(short._frame)
    >>> reached = warm_up(
    ...     model, RowSource(Rows.of(x)), short._params(), 2, np.random.default_rng(0)
    ... )
    >>> reached.weights.shape
    (2,)
    """
    settings = WarmUp(passes, method, block, alpha, offset, average)
    return settings.run(model, data, params, rng, mapper)


class _Passes:
    """What one warm-up works on."""

    def __init__(
        self,
        settings: WarmUp,
        mapper: Mapper,
        blocks: list[Block],
    ) -> None:
        self.settings, self.mapper, self.blocks = settings, mapper, blocks
        self.model = mapper.model
        sizes = np.array([sum(len(piece.units) for piece in block) for block in blocks])
        self.sizes = sizes / sizes.sum()

    def e_step(self, params: Tree, i: int) -> Suff | None:
        """Statistics of block `i`; None where they are not finite."""
        try:
            return block_suff(self.mapper, params, self.blocks[i])
        except STEP_FAILURES:
            return None

    def run(self, params: Any, rng: np.random.Generator) -> Any:
        n = len(self.blocks)
        order = [int(i) for _ in range(self.settings.passes) for i in rng.permutation(n)]
        if not order:
            return params
        if self.settings.method == "incremental":
            reached, good = self.incremental(params, order)
        else:
            reached, good = self.stepwise(params, order)
        # what the last step made has not been looked at by an E-step yet
        return good if self.e_step(reached, order[0]) is None else reached

    def stepwise(self, params: Tree, order: list[int]) -> tuple[Tree, Tree]:
        settings, model = self.settings, self.model
        state, good = stepwise.Stepwise(params), params
        pass_length, weight, share = len(self.blocks), 0.0, 0.0
        for visit, i in enumerate(order):
            suff = self.e_step(state.params, i)
            if suff is None:
                state = state._replace(params=good)
                continue
            good = state.params
            if suff.n_units <= 0:
                continue
            if visit < pass_length:
                weight, share = weight + float(suff.n_units), share + self.sizes[i]
            gamma = 1.0
            if settings.method == "stepwise":
                seen, typical = state.seen + float(suff.n_units), weight / share / pass_length
                gamma = stepwise.step_size(
                    float(suff.n_units), seen, typical, settings.alpha, settings.offset
                )
            state = stepwise.absorb(state, suff, gamma)
            state = self.or_stay(state, lambda s, w=weight / share: stepwise.maximise(model, s, w))
            if settings.average and 2 * visit >= len(order):
                state = stepwise.averaged(model, state)
        mean = state.mean
        return (state.params if mean is None else mean), good

    def or_stay(self, state: S, step: Callable[[S], S]) -> S:
        """The state after a step; the same where it fails, or would make a zero.

        A block may have nothing of a component; EM would keep that zero for ever.
        """
        try:
            moved = step(state)
            Chart(self.model.space, state.params).pack(moved.params)
        except STEP_FAILURES:
            return state
        return moved

    def incremental(self, params: Tree, order: list[int]) -> tuple[Tree, Tree]:
        model = self.model
        state, good = incremental.begin(params, len(self.blocks)), params
        for i in order:
            suff = self.e_step(state.params, i)
            if suff is None:
                state = state._replace(params=good)
                continue
            good = state.params
            if suff.n_units <= 0:
                continue
            state = incremental.replace(model, state, i, suff)
            seen = [block is not None for block in state.blocks]
            share = 1.0 if all(seen) else float(self.sizes[seen].sum())
            state = self.or_stay(state, lambda s, part=share: incremental.maximise(model, s, part))
        return state.params, good


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"got {name}={value!r}, expected a whole number of at least {least}")
    if value < least:
        raise ValueError(f"got {name}={value!r}, expected a whole number of at least {least}")


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"got {name}={value!r}, expected a number")
    return float(cast(Any, value))
