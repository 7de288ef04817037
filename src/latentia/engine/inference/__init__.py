"""What is known of the parameters once they are estimated: errors, intervals, resampling."""

from .bootstrap import Bootstrap, bootstrap
from .delta import Derived, wald
from .empirical import UnitScores, empirical_information, sandwich_covariance, unit_scores
from .information import Information
from .methods import METHODS, StandardErrors, standard_errors
from .oakes import Split, observed_information, split_information
from .profile import ProfileInterval, profile_interval
from .site import TooFewUnitsError, score
from .supplemented import Supplemented, supplemented_em

__all__ = [
    "METHODS",
    "Bootstrap",
    "Derived",
    "Information",
    "ProfileInterval",
    "Split",
    "StandardErrors",
    "Supplemented",
    "TooFewUnitsError",
    "UnitScores",
    "bootstrap",
    "empirical_information",
    "observed_information",
    "profile_interval",
    "sandwich_covariance",
    "score",
    "split_information",
    "standard_errors",
    "supplemented_em",
    "unit_scores",
    "wald",
]
