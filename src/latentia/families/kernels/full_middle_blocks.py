"""Blocks of joint log-densities that are linear in features, held in vector registers.

A product of two thin matrices; a library's would copy both into an order of its own, tile by tile.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from latentia.families.kernels import full_large_blocks as blocks

ALIGNMENT, ROWS, COLUMNS = blocks.ALIGNMENT, blocks.ROWS, blocks.COLUMNS


@intrinsic
def set_linear(typing_context, u, at_u, f, at_f, step, length, total, at):
    """Set total[at + step r + b] to v[r] + sum_p v[ROWS (p + 1) + r] f[at_f + step p + b].

    v is `u` from `at_u` on; p runs up to `length`, r < ROWS, b through COLUMNS vectors of lanes.
    All arrays are flat and of one type; lines of `f` and `total` are aligned.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        kind = blocks._vector(context.get_value_type(f.dtype))
        lanes, step = kind.count, arguments[4]
        index, address = blocks._index, blocks._address
        column = address(context, builder, kinds[0], arguments[0], arguments[1])
        line = address(context, builder, kinds[2], arguments[2], arguments[3])
        out = address(context, builder, kinds[6], arguments[6], arguments[7])

        def spread_at(place: Any) -> Any:
            return blocks._spread(builder, builder.load(place), kind)

        block = blocks._zeros(builder, kind)
        for r in range(ROWS):
            constant = spread_at(builder.gep(column, [index(r)]))
            for sums in block[r]:
                builder.store(constant, sums)
        column = builder.gep(column, [index(ROWS)])
        with cgutils.for_range(builder, arguments[5]) as loop:
            here = builder.gep(line, [builder.mul(loop.index, step)])
            values = [
                blocks._load(builder, builder.gep(here, [index(c * lanes)]), kind, ALIGNMENT)
                for c in range(COLUMNS)
            ]
            here = builder.gep(column, [builder.mul(loop.index, index(ROWS))])
            for r in range(ROWS):
                factor = spread_at(builder.gep(here, [index(r)]))
                for value, sums in zip(values, block[r], strict=True):
                    more = blocks._add_product(builder, factor, value, builder.load(sums))
                    builder.store(more, sums)
        for r in range(ROWS):
            here = builder.gep(out, [builder.mul(step, ir.Constant(ir.IntType(64), r))])
            for c in range(COLUMNS):
                place = builder.gep(here, [index(c * lanes)])
                blocks._store(builder, builder.load(block[r][c]), place, ALIGNMENT)
        return context.get_dummy_value()

    return types.void(u, integer, f, integer, integer, integer, total, integer), generate
