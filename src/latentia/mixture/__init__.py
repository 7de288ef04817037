"""Finite mixtures."""

from .errors import DataWarning
from .estimator import GaussianMixture
from .inference import StandardErrors
from .model import Membership, MixtureModel, MixtureParams

__all__ = [
    "DataWarning",
    "GaussianMixture",
    "Membership",
    "MixtureModel",
    "MixtureParams",
    "StandardErrors",
]
