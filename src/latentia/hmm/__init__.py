"""Hidden Markov models."""

from .counts import CategoricalHMM, PoissonHMM
from .estimator import HiddenMarkov
from .gaussian import GaussianHMM

__all__ = ["CategoricalHMM", "GaussianHMM", "HiddenMarkov", "PoissonHMM"]
