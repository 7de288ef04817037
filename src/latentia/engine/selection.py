"""Information criteria; lower is better for all of them."""

from __future__ import annotations

import math


def aic(loglik: float, n_free: float) -> float:
    """Akaike (1974): -2 loglik + 2 p."""
    return -2 * loglik + 2 * n_free


def bic(loglik: float, n_free: float, n_obs: float) -> float:
    """Schwarz (1978): -2 loglik + p ln n."""
    return -2 * loglik + n_free * math.log(n_obs)


def icl(loglik: float, n_free: float, n_obs: float, entropy: float) -> float:
    """Biernacki, Celeux & Govaert (2000): BIC plus twice the entropy of the memberships."""
    return bic(loglik, n_free, n_obs) + 2 * entropy
