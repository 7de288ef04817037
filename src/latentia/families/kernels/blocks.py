"""Blocks of 4 by 4 sums held in vector registers, out of which large products are made.

Compilers turn a loop along the lanes into vector instructions, but do not keep sixteen sums in
registers through a loop over something else, so the loops that all time goes into are written
in LLVM's terms here: per pair of loads there are at least two multiply-adds, at any size. A
library's product of matrices would first copy thin ones into an order of its own, tile by tile.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from latentia.families.kernels import registers
from latentia.families.kernels.registers import ALIGNMENT, COLUMNS, ROWS


@intrinsic
def centre_group(typing_context, z, at_z, step, mean, d, length):
    """Set d[width j + b] to z[at_z + step j + b] - mean[j], for j up to `length`.

    b runs through the `width` = COLUMNS vectors of lanes of `d`'s type. `z` and `mean` are
    float64; all are flat, and lines of `z` and `d` aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = registers.vector_of(context.get_value_type(d.dtype))
        lanes = kind.count
        doubles = ir.VectorType(ir.DoubleType(), lanes)
        source = registers.address(context, builder, kinds[0], arguments[0], arguments[1])
        centre = registers.address(context, builder, kinds[3], arguments[3], registers.index(0))
        out = registers.address(context, builder, kinds[4], arguments[4], registers.index(0))
        with cgutils.for_range(builder, arguments[5]) as loop:
            here = builder.gep(source, [builder.mul(loop.index, arguments[2])])
            there = builder.gep(out, [builder.mul(loop.index, registers.index(COLUMNS * lanes))])
            value = registers.spread(
                builder, builder.load(builder.gep(centre, [loop.index])), doubles
            )
            for c in range(COLUMNS):
                shift = [registers.index(c * lanes)]
                line = registers.load(builder, builder.gep(here, shift), doubles, ALIGNMENT)
                line = builder.fsub(line, value)
                line = line if kind == doubles else builder.fptrunc(line, kind)
                registers.store(builder, line, builder.gep(there, shift), ALIGNMENT)
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
        kind = registers.vector_of(context.get_value_type(d.dtype))
        lanes = kind.count
        column = registers.address(context, builder, kinds[0], arguments[0], arguments[1])
        line = registers.address(context, builder, kinds[2], arguments[2], registers.index(0))
        out = registers.address(context, builder, kinds[4], arguments[4], arguments[5])
        block = registers.zeros(builder, kind)
        with cgutils.for_range(builder, arguments[3]) as loop:
            here = builder.gep(line, [builder.mul(loop.index, registers.index(COLUMNS * lanes))])
            values = [
                registers.load(
                    builder, builder.gep(here, [registers.index(c * lanes)]), kind, ALIGNMENT
                )
                for c in range(COLUMNS)
            ]
            here = builder.gep(column, [builder.mul(loop.index, registers.index(ROWS))])
            for r in range(ROWS):
                factor = registers.spread(
                    builder, builder.load(builder.gep(here, [registers.index(r)])), kind
                )
                for value, sums in zip(values, block[r], strict=True):
                    more = registers.add_product(builder, factor, value, builder.load(sums))
                    builder.store(more, sums)
        for c in range(COLUMNS):
            place = builder.gep(out, [registers.index(c * lanes)])
            squares = registers.load(builder, place, kind, ALIGNMENT)
            for r in range(ROWS):
                root = builder.load(block[r][c])
                squares = registers.add_product(builder, root, root, squares)
            registers.store(builder, squares, place, ALIGNMENT)
        return context.get_dummy_value()

    return types.void(u, integer, d, integer, total, integer), generate


@intrinsic
def add_products(typing_context, e, d, at_d, step, vectors, times, total, at):
    """Add to total[at + COLUMNS r + c] times the sum over b of e[step r + b] d[at_d + step c + b].

    b runs through so many vectors of lanes, r < ROWS, c < COLUMNS. `times` and `total` are
    float64, the others of one type, all flat; lines of `e` and `d` are aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = registers.vector_of(context.get_value_type(d.dtype))
        step = arguments[3]
        left = registers.address(context, builder, kinds[0], arguments[0], registers.index(0))
        right = registers.address(context, builder, kinds[1], arguments[1], arguments[2])
        out = registers.address(context, builder, kinds[6], arguments[6], arguments[7])
        lefts = [builder.gep(left, [builder.mul(step, registers.index(r))]) for r in range(ROWS)]
        rights = [
            builder.gep(right, [builder.mul(step, registers.index(c))]) for c in range(COLUMNS)
        ]
        block = registers.zeros(builder, kind)
        with cgutils.for_range(builder, arguments[4]) as loop:
            b = builder.mul(loop.index, registers.index(kind.count))
            values = [registers.load(builder, builder.gep(p, [b]), kind, ALIGNMENT) for p in rights]
            for start, line in zip(lefts, block, strict=True):
                factor = registers.load(builder, builder.gep(start, [b]), kind, ALIGNMENT)
                for value, sums in zip(values, line, strict=True):
                    more = registers.add_product(builder, factor, value, builder.load(sums))
                    builder.store(more, sums)
        doubles = ir.VectorType(ir.DoubleType(), kind.count)
        times = registers.spread(builder, arguments[5], doubles)
        flat = [builder.load(sums) for line in block for sums in line]
        for i, sums in enumerate(registers.added_up(builder, flat, kind)):
            place = builder.gep(out, [registers.index(i * kind.count)])
            more = sums if kind == doubles else builder.fpext(sums, doubles)
            registers.store(
                builder,
                registers.add_product(
                    builder, times, more, registers.load(builder, place, doubles, 8)
                ),
                place,
                8,
            )
        return context.get_dummy_value()

    return types.void(e, d, integer, integer, integer, types.float64, total, integer), generate


@intrinsic
def set_linear(typing_context, u, at_u, f, at_f, step, length, total, at):
    """Set total[at + step r + b] to v[r] + sum_p v[ROWS (p + 1) + r] f[at_f + step p + b].

    v is `u` from `at_u` on; p runs up to `length`, r < ROWS, b through COLUMNS vectors of lanes.
    All arrays are flat and of one type; lines of `f` and `total` are aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = registers.vector_of(context.get_value_type(f.dtype))
        lanes, step = kind.count, arguments[4]
        column = registers.address(context, builder, kinds[0], arguments[0], arguments[1])
        line = registers.address(context, builder, kinds[2], arguments[2], arguments[3])
        out = registers.address(context, builder, kinds[6], arguments[6], arguments[7])

        def spread_at(place: Any) -> Any:
            return registers.spread(builder, builder.load(place), kind)

        block = registers.zeros(builder, kind)
        for r in range(ROWS):
            constant = spread_at(builder.gep(column, [registers.index(r)]))
            for sums in block[r]:
                builder.store(constant, sums)
        column = builder.gep(column, [registers.index(ROWS)])
        with cgutils.for_range(builder, arguments[5]) as loop:
            here = builder.gep(line, [builder.mul(loop.index, step)])
            values = [
                registers.load(
                    builder, builder.gep(here, [registers.index(c * lanes)]), kind, ALIGNMENT
                )
                for c in range(COLUMNS)
            ]
            here = builder.gep(column, [builder.mul(loop.index, registers.index(ROWS))])
            for r in range(ROWS):
                factor = spread_at(builder.gep(here, [registers.index(r)]))
                for value, sums in zip(values, block[r], strict=True):
                    more = registers.add_product(builder, factor, value, builder.load(sums))
                    builder.store(more, sums)
        for r in range(ROWS):
            here = builder.gep(out, [builder.mul(step, registers.index(r))])
            for c in range(COLUMNS):
                place = builder.gep(here, [registers.index(c * lanes)])
                registers.store(builder, builder.load(block[r][c]), place, ALIGNMENT)
        return context.get_dummy_value()

    return types.void(u, integer, f, integer, integer, integer, total, integer), generate
