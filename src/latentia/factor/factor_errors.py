"""Standard errors of factors as they are shown, and all their numbers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.engine import inference
from latentia.engine.inference.delta import quantile
from latentia.estimator import Estimate

from . import faults
from .model import FactorModel, FactorParams
from .solution import Solution, flat, shaped

Array = NDArray[np.float64]


class FactorErrors(NamedTuple):
    """Standard errors of factors.

    Attributes
    ----------
    mean : array of shape (d,)
    components : array of shape (q, d)
        Of the loadings as they are rotated.
    factor_correlations : array of shape (q, q)
        0 where factors are uncorrelated.
    noise_variance : array of shape (d,)
    note : str
        Why something is missing; empty where all is well.
    """

    mean: Array
    components: Array
    factor_correlations: Array
    noise_variance: Array
    note: str


def unknown(q: int, d: int) -> FactorErrors:
    """Those of q factors and d columns that nobody asked for: nan."""
    own, whole = np.full(d, np.nan), np.full((q, q), np.nan)
    return FactorErrors(own, np.full((q, d), np.nan), whole, own, "")


def standard_errors(
    model: FactorModel,
    source: Any,
    params: FactorParams,
    here: Solution,
    shown: Callable[[Any, Solution], Solution],
    method: str,
    **asked: Any,
) -> FactorErrors:
    """Standard errors by any method of the engine, of what is shown by the delta method.

    Parameters
    ----------
    model : FactorModel
    source : Source
        The rows of the fit.
    params : FactorParams
    here : Solution
        What is shown of `params`.
    shown : callable
        From other parameters to their solution, numbered and signed as another is.
    method, asked
        As `engine.inference.standard_errors` has them.
    """
    d, q = here.loadings.shape
    found = inference.standard_errors(model, source, params, method, **asked)
    values = found.delta(lambda other: flat(shown(other, here)))
    mean, loadings, correlations, noise = shaped(values, d, q)
    note, _, rest = found.note.partition("The likelihood cannot see")
    held = rest.partition("Held by a floor")
    note = " ".join(filter(None, [note.strip(), (held[1] + held[2]).strip()]))
    if model.is_saturated:
        _, components, correlations, noise, _ = unknown(q, d)
        note = " ".join(filter(None, [faults.saturated(d, q), note]))
        return FactorErrors(mean, components, correlations, noise, note)
    return FactorErrors(mean, loadings.T, correlations, noise, note)


def table(
    here: Solution, found: FactorErrors, names: Sequence[str], level: float
) -> Iterator[Estimate]:
    """All that is shown, a row each, with Wald intervals."""
    z = quantile(level)

    def row(name: str, value: Any, se: Any, positive: bool = False) -> Estimate:
        if positive and se > 0:
            ends = value * np.exp(np.array([-z, z]) * se / value)
        else:
            ends = value + np.array([-z, z]) * se
        return Estimate(name, float(value), float(se), float(ends[0]), float(ends[1]))

    q = here.loadings.shape[1]
    for k in range(q):
        for j, name in enumerate(names):
            yield row(f"loading[{k}, {name}]", here.loadings[j, k], found.components[k, j])
    if np.any(here.correlations != np.eye(q)):
        for k in range(q):
            for m in range(k):
                value, se = here.correlations[m, k], found.factor_correlations[m, k]
                yield row(f"correlation[{m}, {k}]", value, se)
    for j, name in enumerate(names):
        value, se = here.noise[j], found.noise_variance[j]
        yield row(f"uniqueness[{name}]", value, se, positive=True)
    for j, name in enumerate(names):
        yield row(f"mean[{name}]", here.mean[j], found.mean[j])
