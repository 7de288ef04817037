"""Full covariances, few features: code unrolled for their number, nothing stored but the tile."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.families.kernels.products import RAISED, raised
from latentia.families.kernels.tile import strided

Array = NDArray[np.float64]

LANES = 256


def run(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
) -> tuple[float, Array, Array, Array]:
    """One fused pass over the rows of a chunk; see the package for what goes in and out."""
    n, n_features = x.shape
    module = import_module(f"latentia.families.kernels.full_small_{n_features}")
    flat, row, column = strided(x)
    loglik, count, first, second = module.chunk(
        flat, row, column, n, raised(weights), origin, unit, offset, means, factor, LANES
    )
    return loglik / RAISED, count / RAISED, first / RAISED, second / RAISED
