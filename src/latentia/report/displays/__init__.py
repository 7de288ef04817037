"""Plots in scikit-learn's style: each Display holds what it draws, and can draw it again."""

from .classification import ClassificationDisplay
from .climb import ClimbDisplay
from .contours import ContoursDisplay
from .criterion import CriterionDisplay
from .density import DensityDisplay
from .lines import LinesDisplay
from .marginals import MarginalsDisplay
from .membership import MembershipDisplay
from .pairs import PairsDisplay
from .parallel import ParallelDisplay
from .plots import Plots, SelectionPlots
from .profile import ProfileDisplay
from .responses import ItemResponsesDisplay
from .uncertainty import UncertaintyDisplay

__all__ = [
    "ClassificationDisplay",
    "ClimbDisplay",
    "ContoursDisplay",
    "CriterionDisplay",
    "DensityDisplay",
    "ItemResponsesDisplay",
    "LinesDisplay",
    "MarginalsDisplay",
    "MembershipDisplay",
    "PairsDisplay",
    "ParallelDisplay",
    "Plots",
    "ProfileDisplay",
    "SelectionPlots",
    "UncertaintyDisplay",
]
