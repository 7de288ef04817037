"""Distances of a tile's lanes to one component's mean, from centred rows and Cholesky factors."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latentia.families.kernels.blocks import add_squares, centre_group
from latentia.families.kernels.registers import ROWS


@njit(nogil=True, cache=True)
def packed_factors(factor, like):
    """Factors over the root of two in the order in which `add_squares` reads them, (K, length).

    Their columns go by fours; entries of four columns in one line lie together, down to the last
    that is not zero.
    """
    n_components, n_features, _ = factor.shape
    length = 0
    for start in range(0, n_features, ROWS):
        length += ROWS * min(start + ROWS, n_features)
    packed = np.zeros((n_components, length), like.dtype)
    for k in range(n_components):
        at = 0
        for start in range(0, n_features, ROWS):
            stop = min(start + ROWS, n_features)
            for j in range(stop):
                for i in range(max(start, j), stop):
                    packed[k, at + i - start] = math.sqrt(0.5) * factor[k, j, i]
                at += ROWS
    return packed


@njit(nogil=True, cache=True)
def half_squared_distances(z, mean, packed, d, distance):
    """Half the squared distances of all lanes to one component's mean."""
    n_features, lanes = z.shape
    width = d.size // n_features
    line = z.reshape(-1)
    distance[:] = 0
    for first in range(0, lanes, width):
        centre_group(line, first, lanes, mean, d, n_features)  # pyright: ignore[reportCallIssue]
        at = 0
        for start in range(0, n_features, ROWS):
            stop = min(start + ROWS, n_features)
            add_squares(packed, at, d, stop, distance, first)
            at += ROWS * stop
