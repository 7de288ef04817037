"""One step of all lanes at once, in vector registers: densities, forward, backward, moments.

A loop along the lanes for each state would load and store every number several times over, and
first ask whether its lines overlap. Here a few lanes go through all states of a step before the
next few do, and what they need in between stays in registers.

`work` and `tally` are flat arrays of lines of `LANES` numbers, aligned. A step begins at the line
`at` of `work` with what `Step` says; `tally` has what all steps share, as `Tally` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from latentia.families.kernels import registers

from .kernels import VANISHED

LANES = 32
"""Stretches side by side."""

_WIDTH = registers.ALIGNMENT // 8
_VECTOR = registers.vector_of(ir.DoubleType())
_WHOLE = ir.VectorType(ir.IntType(64), _WIDTH)


class Step(NamedTuple):
    """At which line of a step its densities, forward probabilities, unit and columns begin."""

    density: int
    alpha: int
    unit: int
    columns: int

    @classmethod
    def of(cls, n_states: int) -> Step:
        """Those of a step of so many states."""
        return cls(0, n_states, 2 * n_states, 2 * n_states + 1)


class Tally(NamedTuple):
    """At which line what all steps share begins.

    `running` is 1 where a stretch has not ended, else 0; `least` the smallest scale. The scales'
    product is `product` times two to the power of `exponent`, whole numbers with 1023 for each
    step; `top` has the sum of the largest log-densities. `last`, `beta` and `ahead` (K) are
    backward variables: those of last steps, those of this, and these times densities over
    scales. Then come the sums: `count` (K), `pairs` (K K), and for each column two times K.
    """

    running: int
    least: int
    product: int
    exponent: int
    top: int
    last: int
    beta: int
    ahead: int
    count: int
    pairs: int
    moments: int

    @classmethod
    def of(cls, n_states: int) -> Tally:
        """Those of so many states."""
        k = n_states
        return cls(0, 1, 2, 3, 4, 5, 5 + k, 5 + 2 * k, 5 + 3 * k, 5 + 4 * k, 5 + 4 * k + k * k)


class _Writer:
    """Writes what is done to a few lanes, for each few of them."""

    def __init__(self, context: Any, builder: Any, kinds: Sequence[Any], given: Sequence[Any]):
        self.context, self.builder, self.kinds, self.given = context, builder, kinds, given
        self.first: Any = None

    def _place(self, array: int, at: Any) -> Any:
        kind, given = self.kinds[array], self.given[array]
        return registers.address(self.context, self.builder, kind, given, at)

    def _address(self, array: int, line: Any) -> Any:
        at = self.builder.mul(line, registers.index(LANES))
        return self._place(array, self.builder.add(at, self.first))

    def line(self, start: Any, more: int) -> Any:
        """The line `more` lines behind `start`, a number of the program or a known one."""
        start = registers.index(start) if isinstance(start, int) else start
        return self.builder.add(start, registers.index(more))

    def load(self, array: int, line: Any) -> Any:
        """These lanes of a line."""
        at = self._address(array, line)
        return registers.load(self.builder, at, _VECTOR, registers.ALIGNMENT)

    def store(self, value: Any, array: int, line: Any) -> None:
        """Put lanes where `load` finds them."""
        at = self._address(array, line)
        registers.store(self.builder, value, at, registers.ALIGNMENT)

    def numbers(self, array: int, first: Any, many: int) -> list[Any]:
        """Numbers of another array, each in all lanes."""
        builder, made = self.builder, []
        for i in range(many):
            at = builder.add(first, registers.index(i))
            place = self._place(array, at)
            made.append(registers.spread(builder, builder.load(place), _VECTOR))
        return made

    def groups(self, write: Callable[[], None]) -> None:
        """Write it for all lanes."""
        with cgutils.for_range(self.builder, registers.index(LANES // _WIDTH)) as loop:
            self.first = self.builder.mul(loop.index, registers.index(_WIDTH))
            write()

    def constant(self, value: float) -> Any:
        """A number in all lanes."""
        return ir.Constant(_VECTOR, [value] * _WIDTH)

    def times(self, a: Any, b: Any) -> Any:
        """a b."""
        return self.builder.fmul(a, b, flags=["contract"])

    def plus(self, a: Any, b: Any) -> Any:
        """a + b."""
        return self.builder.fadd(a, b, flags=["contract"])

    def minus(self, a: Any, b: Any) -> Any:
        """a - b."""
        return self.builder.fsub(a, b, flags=["contract"])

    def product(self, a: Sequence[Any], b: Sequence[Any]) -> Any:
        """The sum of the products of two lists."""
        total = self.times(a[0], b[0])
        for x, y in zip(a[1:], b[1:], strict=True):
            total = registers.add_product(self.builder, x, y, total)
        return total

    def chosen(self, a: Any, how: str, b: Any, yes: Any, no: Any) -> Any:
        """`yes` where a is to b as told, which nan is not, else `no`."""
        return self.builder.select(self.builder.fcmp_ordered(how, a, b), yes, no)


def _of_lanes(write: Callable[..., None], signature: Any) -> tuple[Any, Callable[..., Any]]:
    """What an intrinsic returns: its signature, and how code is generated."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        write(_Writer(context, builder, signature.args, given), *given)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def begin(typing_context, n_states, work, at, offset):
    """Put `offset` (K,) in the place of the step's densities."""
    k = n_states.literal_value
    step = Step.of(k)

    def write(w: _Writer, _k: Any, _work: Any, at: Any, _offset: Any) -> None:
        levels = w.numbers(3, registers.index(0), k)

        def some() -> None:
            for i in range(k):
                w.store(levels[i], 1, w.line(at, step.density + i))

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, types.intp, offset))


@intrinsic(prefer_literal=True)
def add_column(typing_context, n_states, work, at, j, means, roots):
    """Subtract from the densities ((z - m_jk) s_jk)² of column j; `means`, `roots` are flat."""
    k = n_states.literal_value
    step = Step.of(k)
    integer = types.intp

    def write(w: _Writer, _k: Any, _w: Any, at: Any, j: Any, _m: Any, _r: Any) -> None:
        first = w.builder.mul(j, registers.index(k))
        means, roots = w.numbers(4, first, k), w.numbers(5, first, k)

        def some() -> None:
            z = w.load(1, w.builder.add(w.line(at, step.columns), j))
            for i in range(k):
                line = w.line(at, step.density + i)
                away = w.times(w.minus(z, means[i]), roots[i])
                w.store(w.minus(w.load(1, line), w.times(away, away)), 1, line)

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, integer, integer, means, roots))


@intrinsic(prefer_literal=True)
def relative(typing_context, n_states, work, at, tally):
    """Take the largest from the step's log-densities, and add it to `top`."""
    k = n_states.literal_value
    step, place = Step.of(k), Tally.of(k)

    def write(w: _Writer, _k: Any, _work: Any, at: Any, _tally: Any) -> None:
        def some() -> None:
            values = [w.load(1, w.line(at, step.density + i)) for i in range(k)]
            top = values[0]
            for value in values[1:]:  # nan stays
                top = w.chosen(value, "<=", top, top, value)
            for i in range(k):
                w.store(w.minus(values[i], top), 1, w.line(at, step.density + i))
            running, line = w.load(3, w.line(place.running, 0)), w.line(place.top, 0)
            more = w.chosen(running, ">", w.constant(0.0), top, w.constant(0.0))
            w.store(w.plus(w.load(3, line), more), 3, line)

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, types.intp, tally))


@intrinsic(prefer_literal=True)
def forward(typing_context, n_states, work, at, before, chain, tally):
    """Forward probabilities of a step from those of the step at `before`, scaled.

    Where `before` is `at` itself, what its states have from before is already in their place.
    `chain` (K K,) has the transitions.
    """
    k = n_states.literal_value
    step, place = Step.of(k), Tally.of(k)
    integer = types.intp

    def write(w: _Writer, _k: Any, _w: Any, at: Any, before: Any, _c: Any, _t: Any) -> None:
        builder = w.builder
        moves = w.numbers(4, registers.index(0), k * k)
        first = builder.icmp_signed("==", at, before)

        def some() -> None:
            was = [w.load(1, w.line(before, step.alpha + i)) for i in range(k)]
            made, total = [], w.constant(0.0)
            for j in range(k):
                flow = w.product(was, moves[j::k])
                flow = builder.select(first, was[j], flow)
                made.append(w.times(flow, w.load(1, w.line(at, step.density + j))))
                total = w.plus(total, made[-1])
            unit = builder.fdiv(w.constant(1.0), total)
            w.store(unit, 1, w.line(at, step.unit))
            for j in range(k):
                value = w.times(made[j], unit)
                value = w.chosen(value, ">", w.constant(VANISHED), value, w.constant(0.0))
                w.store(value, 1, w.line(at, step.alpha + j))
            line = w.line(place.least, 0)
            least = w.load(5, line)
            w.store(w.chosen(total, ">=", least, least, total), 5, line)  # nan stays
            running = w.load(5, w.line(place.running, 0))
            factor = w.chosen(running, ">", w.constant(0.0), total, w.constant(1.0))
            _count_in(w, place, factor)

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, integer, integer, chain, tally))


def _count_in(w: _Writer, place: Tally, factor: Any) -> None:
    """Multiply the product by a normal number, and move its exponent to the sum of these."""
    builder = w.builder

    def whole(value: int) -> Any:
        return ir.Constant(_WHOLE, [value] * _WIDTH)

    line = w.line(place.product, 0)
    bits = builder.bitcast(w.times(w.load(5, line), factor), _WHOLE)
    rest = builder.or_(builder.and_(bits, whole((1 << 52) - 1)), whole(1023 << 52))
    w.store(builder.bitcast(rest, _VECTOR), 5, line)
    line = w.line(place.exponent, 0)
    total = builder.bitcast(w.load(5, line), _WHOLE)
    total = builder.add(total, builder.lshr(bits, whole(52)))
    w.store(builder.bitcast(total, _VECTOR), 5, line)


@intrinsic(prefer_literal=True)
def backward(typing_context, n_states, work, at, tally):
    """Posteriors in place of the step's densities, and these times backward variables `ahead`."""
    k = n_states.literal_value
    step, place = Step.of(k), Tally.of(k)

    def write(w: _Writer, _k: Any, _work: Any, at: Any, _tally: Any) -> None:
        def some() -> None:
            running = w.load(3, w.line(place.running, 0))
            unit = w.times(running, w.load(1, w.line(at, step.unit)))
            for i in range(k):
                density = w.line(at, step.density + i)
                alpha = w.load(1, w.line(at, step.alpha + i))
                back = w.load(3, w.line(place.beta, i))
                after = w.times(w.times(w.load(1, density), back), unit)
                nothing = w.constant(0.0)  # where nothing can be, inf may
                w.store(w.chosen(alpha, ">", nothing, after, nothing), 3, w.line(place.ahead, i))
                post = w.times(w.times(alpha, back), running)
                w.store(post, 1, density)
                line = w.line(place.count, i)
                w.store(w.plus(w.load(3, line), post), 3, line)

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, types.intp, tally))


@intrinsic(prefer_literal=True)
def add_moments(typing_context, n_states, work, at, j, tally):
    """Add posteriors times column j and its square to the sums."""
    k = n_states.literal_value
    step, place = Step.of(k), Tally.of(k)
    integer = types.intp

    def write(w: _Writer, _k: Any, _work: Any, at: Any, j: Any, _tally: Any) -> None:
        first = w.builder.mul(j, registers.index(2 * k))

        def some() -> None:
            z = w.load(1, w.builder.add(w.line(at, step.columns), j))
            for i in range(k):
                value = w.times(w.load(1, w.line(at, step.density + i)), z)
                one = w.builder.add(w.line(place.moments, i), first)
                two = w.builder.add(w.line(place.moments, k + i), first)
                w.store(w.plus(w.load(4, one), value), 4, one)
                w.store(registers.add_product(w.builder, value, z, w.load(4, two)), 4, two)

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, integer, integer, tally))


@intrinsic(prefer_literal=True)
def step_back(typing_context, n_states, work, before, chain, tally):
    """Add the transitions from the step at `before` to the pairs; its backward variables."""
    k = n_states.literal_value
    step, place = Step.of(k), Tally.of(k)

    def write(w: _Writer, _k: Any, _work: Any, before: Any, _chain: Any, _tally: Any) -> None:
        moves = w.numbers(3, registers.index(0), k * k)

        def some() -> None:
            running = w.load(4, w.line(place.running, 0))
            ahead = [w.load(4, w.line(place.ahead, j)) for j in range(k)]
            for i in range(k):
                alpha = w.load(1, w.line(before, step.alpha + i))
                for j in range(k):
                    line = w.line(place.pairs, i * k + j)
                    more = registers.add_product(w.builder, alpha, ahead[j], w.load(4, line))
                    w.store(more, 4, line)
                value = w.product(ahead, moves[i * k : (i + 1) * k])
                last = w.load(4, w.line(place.last, i))
                value = w.chosen(running, ">", w.constant(0.0), value, last)
                w.store(value, 4, w.line(place.beta, i))

        w.groups(some)

    return _of_lanes(write, types.void(n_states, work, types.intp, chain, tally))


@intrinsic(prefer_literal=True)
def follow(typing_context, n_states, both, now, then, rescaled, work, chain, tally):
    """Matrices at `then`, K K lines: those at `now`, and a step whose densities begin `work`.

    Stretches that have ended keep theirs. They are divided by their sums if `rescaled` is 1.
    """
    k = n_states.literal_value
    place, integer = Tally.of(k), types.intp
    scaling = rescaled.literal_value

    def write(w: _Writer, _k: Any, _b: Any, now: Any, then: Any, *_: Any) -> None:
        moves = w.numbers(6, registers.index(0), k * k)

        def some() -> None:
            running = w.load(7, w.line(place.running, 0))
            density = [w.load(5, w.line(0, j)) for j in range(k)]
            made, total = [], w.constant(0.0)
            for i in range(k):
                was = [w.load(1, w.line(now, i * k + h)) for h in range(k)]
                for j in range(k):
                    value = w.times(w.product(was, moves[j::k]), density[j])
                    value = w.chosen(running, ">", w.constant(0.0), value, was[j])
                    total = w.plus(total, value)
                    made.append(value)
            unit = w.builder.fdiv(w.constant(1.0), total) if scaling else None
            for i, value in enumerate(made):
                value = value if unit is None else w.times(value, unit)
                w.store(value, 1, w.line(then, i))

        w.groups(some)

    given = (n_states, both, integer, integer, rescaled, work, chain, tally)
    return _of_lanes(write, types.void(*given))
