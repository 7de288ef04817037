"""EM by blocks of units: stepwise, incremental, by ordered subsets; a warm-up before full steps."""

from .blocks import split
from .incremental import Incremental
from .stepwise import Stepwise, ordered_subset, step_size
from .warm_up import METHODS, WarmUp, warm_up

__all__ = [
    "METHODS",
    "Incremental",
    "Stepwise",
    "WarmUp",
    "ordered_subset",
    "split",
    "step_size",
    "warm_up",
]
