"""How the covariances of K Gaussian components are tied to one another."""

from .decomposition import Factors
from .forms import MODELS, STRUCTURES, pattern_of, structure_of, written_out
from .pattern import OWN, PATTERNS, Pattern
from .structure import Covariance

__all__ = [
    "MODELS",
    "OWN",
    "PATTERNS",
    "STRUCTURES",
    "Covariance",
    "Factors",
    "Pattern",
    "pattern_of",
    "structure_of",
    "written_out",
]
