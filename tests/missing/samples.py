"""Rows with holes for the tests of this room."""

import numpy as np


def correlated(n, d, rng, hidden=0.2):
    """Rows of a normal distribution of rank-two correlations, and the same with holes."""
    loadings = rng.normal(size=(d, min(d, 2)))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(0.5, 2.0, d))
    whole = rng.multivariate_normal(np.arange(d, dtype=float), covariance, size=n)
    return whole, np.where(rng.random((n, d)) < hidden, np.nan, whole)
