"""Regressions as families: responses given a design, of all K components at once."""

from .family import Regression
from .gamma import GammaRegression
from .gaussian import GaussianRegression
from .generalised import BinomialRegression, GeneralisedRegression, PoissonRegression

__all__ = [
    "BinomialRegression",
    "GammaRegression",
    "GaussianRegression",
    "GeneralisedRegression",
    "PoissonRegression",
    "Regression",
]
