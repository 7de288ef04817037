"""Rows turned into lines, square by square in vector registers.

Element by element, a tile costs the processor more than the products made of it: a square of eight
rows and columns is eight loads, twenty-four exchanges and eight stores. Rows further on
are asked for meanwhile, since memory is read by several streams at once here, which processors
do not foresee.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from latentia.families.kernels import registers
from latentia.families.kernels.tile import load

SIDE = 8
"""Rows and columns of a square."""

AHEAD = 16
"""Rows by which memory is asked for what comes."""


def _exchanged(builder: Any, lines: list[Any]) -> list[Any]:
    """The transpose of a square: halves of it change places, then halves of these, then theirs."""
    lines, half = list(lines), SIDE // 2
    while half:
        low = [i if not i & half else SIDE + i - half for i in range(SIDE)]
        high = [i + half if not i & half else SIDE + i for i in range(SIDE)]
        for r in (r for r in range(SIDE) if not r & half):
            a, b = lines[r], lines[r + half]
            lines[r] = registers.shuffle(builder, a, b, low)
            lines[r + half] = registers.shuffle(builder, a, b, high)
        half //= 2
    return lines


def _ask_for(builder: Any, place: Any) -> None:
    """Let memory bring the line at an address, which need not exist."""
    byte, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, whole, whole, whole])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    reading, soon, data = (ir.Constant(whole, value) for value in (0, 3, 1))
    builder.call(function, [builder.bitcast(place, byte), reading, soon, data])


@intrinsic
def _turn(typing_context, flat, at, row, origin, j, unit, z, to, step):
    """Set z[to + step c + r] to (flat[at + row r + c] - origin[j + c]) unit, r and c < SIDE.

    Differences are taken in float64 and rounded to the type of `z`. All arrays are flat.
    """
    integer = types.intp

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        source, target = (
            ir.VectorType(context.get_value_type(kind.dtype), SIDE) for kind in (flat, z)
        )
        doubles = ir.VectorType(ir.DoubleType(), SIDE)
        here = registers.address(context, builder, kinds[0], arguments[0], arguments[1])
        centre = registers.address(context, builder, kinds[3], arguments[3], arguments[4])
        there = registers.address(context, builder, kinds[6], arguments[6], arguments[7])
        row, step = arguments[2], arguments[8]
        means = registers.load(builder, centre, doubles, 8)
        factor = registers.spread(builder, arguments[5], doubles)
        lines: list[Any] = []
        ahead = builder.mul(row, registers.index(AHEAD))
        for _ in range(SIDE):
            values = registers.load(builder, here, source, kinds[0].dtype.bitwidth // 8)
            values = values if source == doubles else builder.fpext(values, doubles)
            values = builder.fmul(builder.fsub(values, means), factor)
            lines.append(values if target == doubles else builder.fptrunc(values, target))
            _ask_for(builder, builder.gep(here, [ahead]))
            here = builder.gep(here, [row])
        for values in _exchanged(builder, lines):
            registers.store(builder, values, there, kinds[6].dtype.bitwidth // 8)
            there = builder.gep(there, [step])
        return context.get_dummy_value()

    given = (flat, integer, integer, origin, integer, types.float64, z, integer, integer)
    return types.void(*given), generate


@njit(nogil=True, cache=True)
def _by_squares(flat, row, start, rows, origin, unit, line, step):
    """Turn `rows` rows, a multiple of SIDE, of SIDE columns or more into a flat tile.

    The last square overlaps the one before where columns are no multiple of SIDE.
    """
    n_features = len(origin)
    for b in range(0, rows, SIDE):
        at = (start + b) * row
        for j in range(0, n_features - SIDE + 1, SIDE):
            _turn(flat, at + j, row, origin, j, unit, line, j * step + b, step)  # pyright: ignore[reportCallIssue]
        if n_features % SIDE:
            j = n_features - SIDE
            _turn(flat, at + j, row, origin, j, unit, line, j * step + b, step)  # pyright: ignore[reportCallIssue]


@njit(nogil=True, cache=True)
def load_turned(flat, row, column, start, rows, origin, unit, z):
    """`tile.load`, several times faster where the columns of a row are contiguous and many."""
    n_features, lanes = z.shape
    if column != 1 or rows < SIDE or n_features < SIDE:
        load(flat, row, column, start, rows, origin, unit, z)
        return
    whole = rows - rows % SIDE
    _by_squares(flat, row, start, whole, origin, unit, z.reshape(-1), lanes)
    for b in range(whole, lanes):
        at = (start + min(b, rows - 1)) * row
        for j in range(n_features):
            z[j, b] = (np.float64(flat[at + j]) - origin[j]) * unit
