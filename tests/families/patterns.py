"""Covariances that share what a pattern says, made from its definition."""

import numpy as np
from scipy.stats import ortho_group

from latentia.families.covariance import PATTERNS

ALIASES = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}

DISTINCT = (*ALIASES, *(name for name in PATTERNS if name not in ALIASES.values()))
"""One name for each structure that differs from the others."""


def random_matrices(name, k, d, rng, spread=1.0):
    """lambda_k D_k A_k D_kᵀ with factors as the pattern wants them, (K, d, d)."""
    volume, shape, orientation = ALIASES.get(name, name)
    volumes = np.exp(spread * rng.normal(size=1 if volume == "E" else k))
    rows = 1 if shape == "E" else k
    logarithms = np.zeros((rows, d)) if shape == "I" else spread * rng.normal(size=(rows, d))
    shapes = np.exp(logarithms - logarithms.mean(axis=1, keepdims=True))
    axes = [np.eye(d)]
    if orientation != "I" and d > 1:
        axes = [ortho_group.rvs(d, random_state=rng) for _ in range(1 if orientation == "E" else k)]
    made = []
    for i in range(k):
        size, spread_out, turn = (each[i % len(each)] for each in (volumes, shapes, axes))
        matrix = size * (turn * spread_out) @ turn.T
        made.append((matrix + matrix.T) / 2)
    return np.array(made)
