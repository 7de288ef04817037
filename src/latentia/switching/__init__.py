"""Regressions and autoregressions that switch with the states of a hidden Markov chain."""

from .autoregressive import MarkovAutoregression
from .estimator import MarkovRegression

__all__ = ["MarkovAutoregression", "MarkovRegression"]
