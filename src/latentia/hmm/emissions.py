"""Densities and statistics of emissions, compiled where a family has a form for many short rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.families.family import Family

Array = NDArray[np.float64]


def log_density(family: Family[Any, Any], params: Any, x: Any) -> Array:
    """log f(x_t | state), shape (n, K)."""
    return family.log_density(params, x)


def statistics(family: Family[Any, Any], params: Any, x: Any, resp: Array) -> Any:
    """The family's statistics, rows weighted by `resp` (n, K)."""
    return family.stats(params, x, resp)
