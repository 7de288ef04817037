"""Finite mixtures."""

from .errors import DataWarning
from .estimator import GaussianMixture
from .inference import StandardErrors
from .merging import Merging, merge_components
from .model import Membership, MixtureModel, MixtureParams

__all__ = [
    "DataWarning",
    "GaussianMixture",
    "Membership",
    "Merging",
    "MixtureModel",
    "MixtureParams",
    "StandardErrors",
    "merge_components",
]
