"""Vector registers in LLVM's terms: how many there are, and the few things done with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils
from numba.core.registry import cpu_target

# What Numba compiles for, which its settings may choose to be less than what this machine has.
_, _, _FEATURES = cpu_target.target_context.codegen().magic_tuple()  # pyright: ignore[reportAttributeAccessIssue]

# 32 registers of 64 bytes, or 16 of 32: sums that do not fit would be spilled to memory.
_WIDE = "+avx512f" in _FEATURES.split(",")

ALIGNMENT = 64 if _WIDE else 32
"""Bytes in a vector; where a line of lanes begins must be a multiple of it."""

ROWS = 4
"""Lines of a block."""

COLUMNS = 4 if _WIDE else 2
"""Columns of a block: vectors of lanes in `add_squares`, lines in `add_products`."""


def index(value: int) -> ir.Constant:
    """A whole number as an address or a count of elements takes it."""
    return ir.Constant(ir.IntType(64), value)


def vector_of(kind: ir.Type) -> ir.VectorType:
    """The type of a vector of doubles or floats."""
    return ir.VectorType(kind, ALIGNMENT // (8 if isinstance(kind, ir.DoubleType) else 4))


def address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Where the element `at` of a flat array lies."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


def load(builder: Any, address: Any, kind: ir.VectorType, align: int) -> Any:
    """The vector at an address that is a multiple of so many bytes."""
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=align)


def store(builder: Any, value: Any, address: Any, align: int) -> None:
    """Put a vector where `load` takes it from."""
    builder.store(value, builder.bitcast(address, value.type.as_pointer()), align=align)


def shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    """A vector of these lanes of two, those of `b` numbered behind those of `a`."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(a, b, mask)


def spread(builder: Any, number: Any, kind: ir.VectorType) -> Any:
    """A vector of one number."""
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return shuffle(builder, first, nothing, [0] * kind.count)


def add_product(builder: Any, a: Any, b: Any, total: Any) -> Any:
    """total + a b, in one instruction where there is one."""
    product = builder.fmul(a, b, flags=["contract"])
    return builder.fadd(total, product, flags=["contract"])


def zeros(builder: Any, kind: ir.VectorType) -> list[list[Any]]:
    """Variables for a block of sums, which LLVM moves into registers."""
    zero = ir.Constant(kind, [0.0] * kind.count)
    block = [[cgutils.alloca_once(builder, kind) for _ in range(COLUMNS)] for _ in range(ROWS)]
    for line in block:
        for sums in line:
            builder.store(zero, sums)
    return block


def added_up(builder: Any, vectors: list[Any], kind: ir.VectorType) -> list[Any]:
    """The sum over the lanes of each vector, in order, as lanes of fewer vectors."""
    part = kind.count
    while part > 1:
        half, starts = part // 2, range(0, 2 * kind.count, part)
        low = [start + i for start in starts for i in range(half)]
        high = [lane + half for lane in low]
        vectors = [
            builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high))
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        part = half
    return vectors


@njit(nogil=True, cache=True)
def aligned(shape, like):
    """Zeros of the type of `like` that begin where a vector may."""
    size, spare = 1, ALIGNMENT // like.itemsize
    for length in shape:
        size *= length
    memory = np.zeros(size + spare, like.dtype)
    start = (-memory.ctypes.data % ALIGNMENT) // like.itemsize
    return memory[start : start + size].reshape(shape)
