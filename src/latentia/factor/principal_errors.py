"""Principal components as they are shown, their standard errors, and all numbers by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latentia.engine import inference
from latentia.engine.inference.delta import quantile
from latentia.estimator import Estimate

from .principal_model import PrincipalModel, PrincipalParams

Array = NDArray[np.float64]

MOST = 2_000
"""Free parameters up to which the observed information is computed."""


class Shown(NamedTuple):
    """Components (q, d), orthonormal, and variances (q,) along them, noise included."""

    components: Array
    variances: Array


def shown(params: PrincipalParams, near: Array | None = None) -> Shown:
    """The components, those of the largest variance first; numbered and signed as in `near`."""
    axes, stretch, _ = np.linalg.svd(params.loadings, full_matrices=False)
    components, variances = axes.T, stretch**2 + float(params.noise)
    if near is None:
        rows = np.arange(len(components))
        largest = components[rows, np.abs(components).argmax(axis=1)] if len(rows) else rows
        return Shown(components * np.where(largest < 0, -1.0, 1.0)[:, None], variances)
    closeness = near @ components.T
    _, order = linear_sum_assignment(-np.abs(closeness))
    sign = np.where(closeness[np.arange(len(order)), order] < 0, -1.0, 1.0)
    return Shown(components[order] * sign[:, None], variances[order])


class PrincipalErrors(NamedTuple):
    """Standard errors of principal components.

    Attributes
    ----------
    mean : array of shape (d,)
    components : array of shape (q, d)
    explained_variance : array of shape (q,)
    noise_variance : float
    note : str
        Why something is missing; empty where all is well.
    """

    mean: Array
    components: Array
    explained_variance: Array
    noise_variance: Any
    note: str


def unknown(q: int, d: int) -> PrincipalErrors:
    """Those of q components and d columns that nobody asked for: nan."""
    own, each = np.full(d, np.nan), np.full(q, np.nan)
    return PrincipalErrors(own, np.full((q, d), np.nan), each, np.array(np.nan), "")


def closed_form(params: PrincipalParams, n_rows: float) -> PrincipalErrors:
    """Standard errors without holes, from the expected information.

    Of the mean √(Σ_jj / n), of variances λ √(2 / n), of the noise σ² √(2 / (n (d - q))), of
    components √(Σ_k λ λ_k / (n (λ - λ_k)²) u_k²) over the other directions k (Anderson 1963, Ann.
    Math. Stat. 34, 122-148).
    """
    components, variances = shown(params)
    q, d = components.shape
    noise = float(params.noise)
    diagonal = (variances - noise) @ components**2 + noise
    others = 1 - (components**2).sum(axis=0)  # squares of the directions that are noise
    spread, unit = np.zeros((q, d)), max(variances.max(initial=0.0), noise)
    own, left = variances / unit, noise / unit  # whose products a float can hold
    with np.errstate(divide="ignore"):
        for i in range(q):
            for k in range(q):
                if k != i:
                    gap = own[i] * own[k] / (own[i] - own[k]) ** 2
                    spread[i] += gap * components[k] ** 2
            spread[i] += own[i] * left / (own[i] - left) ** 2 * others
    return PrincipalErrors(
        np.sqrt(diagonal / n_rows),
        np.sqrt(spread / n_rows),
        variances * np.sqrt(2 / n_rows),
        np.array(noise * np.sqrt(2 / (n_rows * (d - q)))),
        "",
    )


def by_engine(
    model: PrincipalModel, source: Any, params: PrincipalParams, method: str, **asked: Any
) -> PrincipalErrors:
    """Standard errors by any method of the engine; components by the delta method."""
    here = shown(params)
    (q, d), n_free = here.components.shape, params.loadings.size + len(params.mean) + 1
    if n_free > MOST and "bootstrap" not in method:
        note = (
            f"{n_free} parameters are too many for their information matrix, so there are no "
            'standard errors; method="bootstrap" has them.'
        )
        return unknown(q, d)._replace(note=note)
    found = inference.standard_errors(model, source, params, method, **asked)

    def flat(params: Any) -> Array:
        components, variances = shown(params, here.components)
        return np.concatenate([params.mean, [params.noise], variances, components.ravel()])

    values = found.delta(flat)
    note, _, _ = found.note.partition("The likelihood cannot see")
    mean, noise, variances, components = np.split(values, [d, d + 1, d + 1 + q])
    shaped = components.reshape(q, d)
    return PrincipalErrors(mean, shaped, variances, np.array(noise[0]), note.strip())


def table(
    params: PrincipalParams, found: PrincipalErrors, names: Sequence[str], level: float
) -> Iterator[Estimate]:
    """Every parameter but the components, a row each, with Wald intervals."""
    z = quantile(level)

    def positive(name: str, value: Any, se: Any) -> Estimate:
        ends = value * np.exp(np.array([-z, z]) * se / value)
        return Estimate(name, float(value), float(se), float(ends[0]), float(ends[1]))

    for k, value in enumerate(shown(params).variances):
        yield positive(f"variance[{k}]", value, found.explained_variance[k])
    yield positive("noise", float(params.noise), found.noise_variance)
    for j, name in enumerate(names):
        value, se = float(params.mean[j]), float(found.mean[j])
        yield Estimate(f"mean[{name}]", value, se, value - z * se, value + z * se)
