"""Moments of a tile's lanes in register blocks, and the blocks brought into order."""

from __future__ import annotations

import numpy as np
from numba import njit

from latentia.families.kernels.blocks import add_products
from latentia.families.kernels.registers import ALIGNMENT, COLUMNS, ROWS


@njit(nogil=True, cache=True)
def add_moments(joint, features, lanes, sums):
    """Add responsibilities times features, summed over the lanes, to `sums`, block by block.

    `joint` is (K, step) and `features` (P, step), K whole ROWS and P whole COLUMNS of lines.
    """
    vectors = lanes * joint.itemsize // ALIGNMENT
    step = features.shape[1]
    left, right = joint.reshape(-1), features.reshape(-1)
    at = 0
    for p in range(0, len(features), COLUMNS):
        for k in range(0, len(joint), ROWS):
            add_products(left[k * step :], right, p * step, step, vectors, 1.0, sums, at)  # pyright: ignore[reportCallIssue]
            at += ROWS * COLUMNS


@njit(nogil=True, cache=True)
def in_order(sums, n_components, n_terms):
    """The blocks of `sums` as lines of terms, one a component."""
    lines = np.empty((n_components, n_terms))
    at = 0
    for p in range(0, n_terms, COLUMNS):
        for k in range(0, n_components, ROWS):
            for r in range(ROWS):
                for c in range(COLUMNS):
                    if k + r < n_components and p + c < n_terms:
                        lines[k + r, p + c] = sums[at]
                    at += 1
    return lines
