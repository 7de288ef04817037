"""The numbers of a switching regression by name, with standard errors, z and p."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import norm

from latentia.engine import inference, tree
from latentia.estimator import Estimate
from latentia.regression.kinds import KINDS

from .model import SwitchingModel, SwitchingParams
from .setting import Setting


class SwitchingErrors(NamedTuple):
    """Standard errors, shaped like the parameters.

    Attributes
    ----------
    start, moves, responses : trees of arrays
    note : str
        Why something is missing; empty where all is well.
    """

    start: Any
    moves: Any
    responses: Any
    note: str


class Tested(NamedTuple):
    """A coefficient beside 0.

    Attributes
    ----------
    part : str
        "response", "transition" or "start".
    name : str
        As in `parameter_table`.
    value, se, z, p, lower, upper : float
        p is the probability of a larger z where the coefficient is 0 (Wald's test, two sides).
    """

    part: str
    name: str
    value: float
    se: float
    z: float
    p: float
    lower: float
    upper: float


def standard_errors(
    model: SwitchingModel, source: Any, params: SwitchingParams, method: str, **asked: Any
) -> SwitchingErrors:
    """Standard errors at `params` by any method of the engine."""
    found = inference.standard_errors(model, source, params, method, **asked)
    start, moves, responses = found.errors
    if model.n_states == 1:  # 1 by definition
        start, moves = (tree.transform(np.zeros_like, each) for each in (start, moves))
    return SwitchingErrors(start, moves, responses, found.note)


def names(setting: Setting) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every number that can differ from another's: its name, its leaf's number, its place."""
    k, several = setting.n_states, len(setting.designs) > 1
    if setting.start is None:
        yield from ((f"start[{j}]", 0, (j,)) for j in range(k))
    else:
        for j in range(1, k):
            for c, column in enumerate(setting.start.names):
                yield f"start_logit[{j}, {column}]", 0, (j, c)
    for i in range(k):
        if setting.moves is None:
            yield from ((f"transition[{i}, {j}]", 1, (i, j)) for j in range(k))
            continue
        for j in range(1, k):
            for c, column in enumerate(setting.moves.names):
                yield f"transition_logit[{i}, {j}, {column}]", 1, (i, j, c)
    leaf = 2
    for family, design in zip(setting.families, setting.designs, strict=True):
        assert design.formula is not None
        of = f"{design.formula.response}: " if several else ""
        for j in range(k):
            for c, column in enumerate(design.names):
                yield f"coefficient[{j}, {of}{column}]", leaf, (j, c)
        leaf += 1
        what = KINDS[family].dispersion
        if what is not None:
            for j in range(1 if setting.shared else k):
                last = f", {design.formula.response}" if several else ""
                first = "" if setting.shared else str(j)
                place = (first + last).removeprefix(", ")
                yield f"{what}[{place}]" if place else what, leaf, (j,)
            leaf += 1


def table(
    setting: Setting,
    model: SwitchingModel,
    params: SwitchingParams,
    errors: SwitchingParams,
    level: float,
) -> list[Estimate]:
    """All parameters, a row each, with Wald intervals."""
    lower, upper = inference.wald(model.space, params, errors, level)
    by_leaf = [tree.leaves(each) for each in (params, errors, lower, upper)]
    return [
        Estimate(name, *(float(np.asarray(leaves[at])[index]) for leaves in by_leaf))
        for name, at, index in names(setting)
    ]


def tested(estimates: Sequence[Estimate]) -> list[Tested]:
    """Those of the parameters that are coefficients, beside 0."""
    parts = {
        "coefficient": "response",
        "transition_logit": "transition",
        "start_logit": "start",
    }
    made: list[Tested] = []
    for each in estimates:
        what = each.name.partition("[")[0]
        if what in parts:
            z = each.value / each.se if each.se > 0 else float("nan")
            p = float(2 * norm.sf(abs(z)))
            row = (each.value, each.se, z, p, each.lower, each.upper)
            made.append(Tested(parts[what], each.name, *row))
    return made
