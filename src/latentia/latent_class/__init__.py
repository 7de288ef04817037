"""Latent class models: classes behind answers to items."""

from .classification import Classification
from .estimator import LatentClass
from .external import ClassRegression, OutcomeMeans
from .residuals import BivariateResiduals, GoodnessOfFit
from .three_step import Assignment

__all__ = [
    "Assignment",
    "BivariateResiduals",
    "ClassRegression",
    "Classification",
    "GoodnessOfFit",
    "LatentClass",
    "OutcomeMeans",
]
