"""Information criteria; lower is better for all of them."""

from __future__ import annotations

import math
from typing import Any

from ..fit import Fit
from ..model import Model

CRITERIA = ("bic", "aic", "icl", "aicc", "sabic")
"""The names by which a criterion is asked for."""


def aic(loglik: float, n_free: float) -> float:
    """Akaike (1974): -2 loglik + 2 p."""
    return -2 * loglik + 2 * n_free


def aicc(loglik: float, n_free: float, n_obs: float) -> float:
    """Hurvich & Tsai (1989): AIC + 2 p (p + 1) / (n - p - 1), for few observations.

    The correction is exact for normal linear regressions and a rule of thumb elsewhere. Where
    n <= p + 1 it has no meaning and the result is infinite, so that such a model is never chosen.

    Examples
    --------
    >>> round(aicc(-10.0, 3, 10), 6)
    30.0
    >>> aicc(-10.0, 3, 4)
    inf
    """
    left = n_obs - n_free - 1
    if left <= 0:
        return math.inf
    return aic(loglik, n_free) + 2 * n_free * (n_free + 1) / left


def bic(loglik: float, n_free: float, n_obs: float) -> float:
    """Schwarz (1978): -2 loglik + p ln n."""
    return -2 * loglik + n_free * math.log(n_obs)


def sabic(loglik: float, n_free: float, n_obs: float) -> float:
    """Sclove (1987): BIC with (n + 2) / 24 in place of n, "sample-size adjusted"."""
    return bic(loglik, n_free, (n_obs + 2) / 24)


def icl(loglik: float, n_free: float, n_obs: float, entropy: float) -> float:
    """Biernacki, Celeux & Govaert (2000): BIC plus twice the entropy of the memberships."""
    return bic(loglik, n_free, n_obs) + 2 * entropy


def criteria(fit: Fit[Any], entropy: float | None = None) -> dict[str, float]:
    """All criteria of a fit, its weights applied.

    Parameters
    ----------
    fit : Fit
    entropy : float, optional
        That of the latent variables given the data, in nats, where they are discrete:
        `posterior_entropy` has it.

    Returns
    -------
    dict of str to float
        ``"aic"``, ``"aicc"``, ``"bic"``, ``"sabic"`` and, where the entropy is given, ``"icl"``.
    """
    p, n = fit.n_free, fit.n_obs
    found = {
        "aic": aic(fit.loglik, p),
        "aicc": aicc(fit.loglik, p, n),
        "bic": bic(fit.loglik, p, n),
        "sabic": sabic(fit.loglik, p, n),
    }
    if entropy is not None:
        found["icl"] = icl(fit.loglik, p, n, entropy)
    return found


def posterior_entropy(model: Model[Any, Any], fit: Fit[Any]) -> float:
    """The entropy of discrete latent variables given the data, in nats, without a look at these.

    q is E[log p(x, z)] at the parameters that made the statistics, and log p(x, z) is
    log p(x) + log p(z | x), so the log-likelihood less q is the entropy (Hathaway 1986, eq. 7).
    It is right only as far as the model keeps all constants in `q`, which `check_model` cannot
    see; and where latent variables are continuous it is no basis for ICL.

    Raises
    ------
    ValueError
        If the fit holds no statistics, as after loading it from a file; or if the entropy comes
        out negative, which for discrete variables means that `q` lacks a constant.
    """
    suff = fit.climbs[fit.best].suff
    if suff is None:
        raise ValueError("got a fit without its statistics, expected one fresh from EM.fit")
    entropy = fit.loglik - float(model.q(fit.params, suff))
    if entropy < -1e-8 * max(1.0, abs(fit.loglik)):
        raise ValueError(
            f"got a negative entropy, {entropy:.6g} nats: the latent variables are not discrete, "
            f"or q of {type(model).__name__} lacks a constant that the log-likelihood has"
        )
    return max(entropy, 0.0)
