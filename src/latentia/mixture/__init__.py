"""Finite mixtures."""

from .errors import DataWarning
from .estimator import GaussianMixture
from .inference import Estimate, StandardErrors
from .model import Membership, MixtureModel, MixtureParams

__all__ = [
    "DataWarning",
    "Estimate",
    "GaussianMixture",
    "Membership",
    "MixtureModel",
    "MixtureParams",
    "StandardErrors",
]
