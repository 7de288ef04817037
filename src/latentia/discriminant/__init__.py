"""Classification by Gaussian densities of each class."""

from .densities import ClassDensities
from .estimator import MixtureDiscriminant

__all__ = ["ClassDensities", "MixtureDiscriminant"]
