"""Regressions and autoregressions that switch with the states of a hidden Markov chain."""

from .estimator import MarkovRegression

__all__ = ["MarkovRegression"]
