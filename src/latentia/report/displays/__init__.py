"""Plots in scikit-learn's style: each Display holds what it draws, and can draw it again."""

from .climb import ClimbDisplay
from .criterion import CriterionDisplay
from .density import DensityDisplay
from .marginals import MarginalsDisplay
from .membership import MembershipDisplay
from .pairs import PairsDisplay
from .plots import Plots

__all__ = [
    "ClimbDisplay",
    "CriterionDisplay",
    "DensityDisplay",
    "MarginalsDisplay",
    "MembershipDisplay",
    "PairsDisplay",
    "Plots",
]
