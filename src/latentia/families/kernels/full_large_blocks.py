"""Blocks of 4 by 4 sums held in vector registers, out of which large triangles are made.

Compilers turn a loop along the lanes into vector instructions, but do not keep sixteen sums in
registers through a loop over something else, so the two loops that all time goes into are
written in LLVM's terms here: per pair of loads there are at least two multiply-adds, at any size.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# 32 registers of 64 bytes, or 16 of 32: sums that do not fit would be spilled to memory.
_WIDE = get_host_cpu_features().get("avx512f", False)

ALIGNMENT = 64 if _WIDE else 32
"""Bytes in a vector; where a line of lanes begins must be a multiple of it."""

ROWS = 4
"""Lines of a block."""

COLUMNS = 4 if _WIDE else 2
"""Columns of a block: vectors of lanes in `add_squares`, lines in `add_products`."""


def _index(value: int) -> ir.Constant:
    return ir.Constant(ir.IntType(64), value)


def _vector(kind: ir.Type) -> ir.VectorType:
    """The type of a vector of doubles or floats."""
    return ir.VectorType(kind, ALIGNMENT // (8 if isinstance(kind, ir.DoubleType) else 4))


def _address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Where the element `at` of a flat array lies."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


def _load(builder: Any, address: Any, kind: ir.VectorType, align: int) -> Any:
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=align)


def _store(builder: Any, value: Any, address: Any, align: int) -> None:
    builder.store(value, builder.bitcast(address, value.type.as_pointer()), align=align)


def _shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(a, b, mask)


def _spread(builder: Any, number: Any, kind: ir.VectorType) -> Any:
    """A vector of one number."""
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return _shuffle(builder, first, nothing, [0] * kind.count)


def _add_product(builder: Any, a: Any, b: Any, total: Any) -> Any:
    """total + a b, in one instruction where there is one."""
    product = builder.fmul(a, b, flags=["contract"])
    return builder.fadd(total, product, flags=["contract"])


def _zeros(builder: Any, kind: ir.VectorType) -> list[list[Any]]:
    """Variables for a block of sums, which LLVM moves into registers."""
    zero = ir.Constant(kind, [0.0] * kind.count)
    block = [[cgutils.alloca_once(builder, kind) for _ in range(COLUMNS)] for _ in range(ROWS)]
    for line in block:
        for sums in line:
            builder.store(zero, sums)
    return block


def _added_up(builder: Any, vectors: list[Any], kind: ir.VectorType) -> list[Any]:
    """The sum over the lanes of each vector, in order, as lanes of fewer vectors."""
    part = kind.count
    while part > 1:
        half, starts = part // 2, range(0, 2 * kind.count, part)
        low = [start + i for start in starts for i in range(half)]
        high = [lane + half for lane in low]
        vectors = [
            builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high))
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        part = half
    return vectors


@intrinsic
def centre_group(typing_context, z, at_z, step, mean, d, length):
    """Set d[width j + b] to z[at_z + step j + b] - mean[j], for j up to `length`.

    b runs through the `width` = COLUMNS vectors of lanes of `d`'s type. `z` and `mean` are
    float64; all are flat, and lines of `z` and `d` aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = _vector(context.get_value_type(d.dtype))
        lanes = kind.count
        doubles = ir.VectorType(ir.DoubleType(), lanes)
        source = _address(context, builder, kinds[0], arguments[0], arguments[1])
        centre = _address(context, builder, kinds[3], arguments[3], _index(0))
        out = _address(context, builder, kinds[4], arguments[4], _index(0))
        with cgutils.for_range(builder, arguments[5]) as loop:
            here = builder.gep(source, [builder.mul(loop.index, arguments[2])])
            there = builder.gep(out, [builder.mul(loop.index, _index(COLUMNS * lanes))])
            value = _spread(builder, builder.load(builder.gep(centre, [loop.index])), doubles)
            for c in range(COLUMNS):
                shift = [_index(c * lanes)]
                line = _load(builder, builder.gep(here, shift), doubles, ALIGNMENT)
                line = builder.fsub(line, value)
                line = line if kind == doubles else builder.fptrunc(line, kind)
                _store(builder, line, builder.gep(there, shift), ALIGNMENT)
        return context.get_dummy_value()

    return types.void(z, integer, integer, mean, d, integer), generate


@intrinsic
def add_squares(typing_context, u, at_u, d, length, total, at):
    """Add to total[at + b] the sum over r < ROWS of (sum_j u[at_u + ROWS j + r] d[width j + b])².

    j runs up to `length`, b through the `width` = COLUMNS vectors of lanes. All arrays are flat
    and of one type; lines of `d` are aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = _vector(context.get_value_type(d.dtype))
        lanes = kind.count
        column = _address(context, builder, kinds[0], arguments[0], arguments[1])
        line = _address(context, builder, kinds[2], arguments[2], _index(0))
        out = _address(context, builder, kinds[4], arguments[4], arguments[5])
        block = _zeros(builder, kind)
        with cgutils.for_range(builder, arguments[3]) as loop:
            here = builder.gep(line, [builder.mul(loop.index, _index(COLUMNS * lanes))])
            values = [
                _load(builder, builder.gep(here, [_index(c * lanes)]), kind, ALIGNMENT)
                for c in range(COLUMNS)
            ]
            here = builder.gep(column, [builder.mul(loop.index, _index(ROWS))])
            for r in range(ROWS):
                factor = _spread(builder, builder.load(builder.gep(here, [_index(r)])), kind)
                for value, sums in zip(values, block[r], strict=True):
                    more = _add_product(builder, factor, value, builder.load(sums))
                    builder.store(more, sums)
        for c in range(COLUMNS):
            place = builder.gep(out, [_index(c * lanes)])
            squares = _load(builder, place, kind, ALIGNMENT)
            for r in range(ROWS):
                root = builder.load(block[r][c])
                squares = _add_product(builder, root, root, squares)
            _store(builder, squares, place, ALIGNMENT)
        return context.get_dummy_value()

    return types.void(u, integer, d, integer, total, integer), generate


@intrinsic
def add_products(typing_context, e, d, at_d, step, vectors, total, at):
    """Add to total[at + COLUMNS r + c] the sum over b of e[step r + b] d[at_d + step c + b].

    b runs through so many vectors of lanes, r < ROWS, c < COLUMNS. `total` is float64, the others
    of one type, all flat; lines of `e` and `d` are aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = _vector(context.get_value_type(d.dtype))
        step = arguments[3]
        left = _address(context, builder, kinds[0], arguments[0], _index(0))
        right = _address(context, builder, kinds[1], arguments[1], arguments[2])
        out = _address(context, builder, kinds[5], arguments[5], arguments[6])
        lefts = [builder.gep(left, [builder.mul(step, _index(r))]) for r in range(ROWS)]
        rights = [builder.gep(right, [builder.mul(step, _index(c))]) for c in range(COLUMNS)]
        block = _zeros(builder, kind)
        with cgutils.for_range(builder, arguments[4]) as loop:
            b = builder.mul(loop.index, _index(kind.count))
            values = [_load(builder, builder.gep(p, [b]), kind, ALIGNMENT) for p in rights]
            for start, line in zip(lefts, block, strict=True):
                factor = _load(builder, builder.gep(start, [b]), kind, ALIGNMENT)
                for value, sums in zip(values, line, strict=True):
                    more = _add_product(builder, factor, value, builder.load(sums))
                    builder.store(more, sums)
        doubles = ir.VectorType(ir.DoubleType(), kind.count)
        flat = [builder.load(sums) for line in block for sums in line]
        for i, sums in enumerate(_added_up(builder, flat, kind)):
            place = builder.gep(out, [_index(i * kind.count)])
            more = sums if kind == doubles else builder.fpext(sums, doubles)
            _store(builder, builder.fadd(_load(builder, place, doubles, 8), more), place, 8)
        return context.get_dummy_value()

    return types.void(e, d, integer, integer, integer, total, integer), generate
