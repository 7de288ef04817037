"""Finite mixtures."""

from .bayesian import BayesianGaussianMixture
from .errors import DataWarning
from .estimator import GaussianMixture
from .general import Mixture
from .inference import StandardErrors
from .merging import Merging, merge_components
from .model import Membership, MixtureModel, MixtureParams
from .parameters import MixtureErrors
from .regions import Region, highest_density_regions

__all__ = [
    "BayesianGaussianMixture",
    "DataWarning",
    "GaussianMixture",
    "Membership",
    "Merging",
    "Mixture",
    "MixtureErrors",
    "MixtureModel",
    "MixtureParams",
    "Region",
    "StandardErrors",
    "highest_density_regions",
    "merge_components",
]
