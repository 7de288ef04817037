"""Plots in scikit-learn's style: each Display holds what it draws, and can draw it again."""

from .chain_plots import ChainPlots
from .classification import ClassificationDisplay
from .climb import ClimbDisplay
from .contours import ContoursDisplay
from .criterion import CriterionDisplay
from .density import DensityDisplay
from .dwell import DwellTimesDisplay
from .forecast import ForecastDisplay
from .lines import LinesDisplay
from .marginals import MarginalsDisplay
from .membership import MembershipDisplay
from .pairs import PairsDisplay
from .parallel import ParallelDisplay
from .plots import Plots, SelectionPlots, plots_of
from .profile import ProfileDisplay
from .residuals import PseudoResidualsDisplay
from .responses import ItemResponsesDisplay
from .ribbon import StateProbabilityDisplay
from .series import StateSequenceDisplay
from .strips import Steps
from .transitions import TransitionGraphDisplay
from .uncertainty import UncertaintyDisplay

__all__ = [
    "ChainPlots",
    "ClassificationDisplay",
    "ClimbDisplay",
    "ContoursDisplay",
    "CriterionDisplay",
    "DensityDisplay",
    "DwellTimesDisplay",
    "ForecastDisplay",
    "ItemResponsesDisplay",
    "LinesDisplay",
    "MarginalsDisplay",
    "MembershipDisplay",
    "PairsDisplay",
    "ParallelDisplay",
    "Plots",
    "ProfileDisplay",
    "PseudoResidualsDisplay",
    "SelectionPlots",
    "StateProbabilityDisplay",
    "StateSequenceDisplay",
    "Steps",
    "TransitionGraphDisplay",
    "UncertaintyDisplay",
    "plots_of",
]
