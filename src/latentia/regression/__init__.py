"""Mixtures of regressions, and of experts: components are lines, weights may follow covariates."""

from .estimator import MixtureRegression

__all__ = ["MixtureRegression"]
