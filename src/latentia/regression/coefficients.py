"""The numbers of a mixture of regressions by name, with standard errors, z and p."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from latentia.engine import inference, tree
from latentia.estimator import Estimate
from latentia.mixture.model import MixtureModel, MixtureParams
from latentia.mixture.parameters import MixtureErrors

Array = NDArray[np.float64]


class Coefficient(NamedTuple):
    """A coefficient of a component's linear predictor, or of its logit.

    Attributes
    ----------
    component : int
    part : str
        "response", or "membership" for a logit against component 0.
    name : str
        The column of the design.
    value, se : float
    z, p : float
        value / se, and the probability of a larger one where the coefficient is 0 (Wald's test,
        two sides).
    lower, upper : float
        Of the confidence interval.
    """

    component: int
    part: str
    name: str
    value: float
    se: float
    z: float
    p: float
    lower: float
    upper: float


class Names(NamedTuple):
    """What the columns of the two designs are called, and the dispersion, where there is one."""

    design: Sequence[str]
    concomitant: Sequence[str] | None
    dispersion: str | None


def standard_errors(
    model: MixtureModel, source: Any, params: MixtureParams, method: str = "oakes", **asked: Any
) -> MixtureErrors:
    """Standard errors at `params` by any method of the engine; what is held has 0."""
    found = inference.standard_errors(model, source, params, method, **asked)
    weights, components = found.errors
    if model.n_components == 1:
        weights = tree.transform(np.zeros_like, weights)
    return MixtureErrors(weights, components, found.note)


def table(
    model: MixtureModel, params: MixtureParams, errors: MixtureParams, names: Names, level: float
) -> list[Estimate]:
    """All parameters, a row each, such as ``coefficient[0, x]``, ``variance[1]``, ``weight[0]``.

    With covariates on the weights ``logit[1, z]`` stands for the weights. Intervals are Wald's.
    """
    lower, upper = inference.wald(model.space, params, errors, level)
    by_leaf = [tree.leaves(each) for each in (params, errors, lower, upper)]
    return [
        Estimate(name, *(float(np.asarray(leaves[at])[index]) for leaves in by_leaf))
        for name, at, index in named(params, names)
    ]


def named(params: MixtureParams, names: Names) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every number that can differ from another's: its name, its leaf's number, its place."""
    _, lines, *dispersions = tree.leaves(params)
    k = len(lines)
    if names.concomitant is None:
        for j in range(k):
            yield f"weight[{j}]", 0, (j,)
    else:
        for j in range(1, k):
            for c, column in enumerate(names.concomitant):
                yield f"logit[{j}, {column}]", 0, (j, c)
    for j in range(k):
        for c, column in enumerate(names.design):
            yield f"coefficient[{j}, {column}]", 1, (j, c)
    for leaf in dispersions:
        for j in range(len(leaf)):
            shared, what = len(leaf) == 1 and k > 1, str(names.dispersion)
            yield what if shared else f"{what}[{j}]", 2, (j,)


def coefficients(estimates: Sequence[Estimate]) -> list[Coefficient]:
    """Those of the parameters that are coefficients, tested against 0."""
    parts = {"coefficient": "response", "logit": "membership"}
    made: list[Coefficient] = []
    for each in estimates:
        what, _, places = each.name.removesuffix("]").partition("[")
        if what not in parts:
            continue
        component, _, name = places.partition(", ")
        z = each.value / each.se if each.se > 0 else float("nan")
        p = float(2 * norm.sf(abs(z)))
        row = (each.value, each.se, z, p, each.lower, each.upper)
        made.append(Coefficient(int(component), parts[what], name, *row))
    return made
