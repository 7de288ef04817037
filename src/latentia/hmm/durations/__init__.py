"""Hidden semi-Markov models: states that last by laws of their own."""

from .estimator import HiddenSemiMarkov

__all__ = ["HiddenSemiMarkov"]
