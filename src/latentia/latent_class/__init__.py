"""Latent class models: classes behind answers to items."""

from .classification import Classification
from .estimator import LatentClass
from .residuals import BivariateResiduals, GoodnessOfFit
from .three_step import ClassRegression, OutcomeMeans

__all__ = [
    "BivariateResiduals",
    "ClassRegression",
    "Classification",
    "GoodnessOfFit",
    "LatentClass",
    "OutcomeMeans",
]
