"""The numbers of a hidden Markov model's parameters by name, with their standard errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.engine import inference, tree
from latentia.engine.space import Fixed
from latentia.estimator import Estimate
from latentia.mixture.parameters import of_family, tabulated

from .chains import allowed
from .model import HiddenMarkovModel, HiddenMarkovParams

Array = NDArray[np.float64]


class HiddenMarkovErrors(NamedTuple):
    """Standard errors, shaped like the parameters.

    Attributes
    ----------
    start : array of shape (K,), or ()
    transitions : array of shape (K, K)
    emissions : tree of arrays
        As the family's parameters.
    note : str
        Why something is missing; empty where all is well.
    """

    start: Any
    transitions: Any
    emissions: Any
    note: str


def standard_errors(
    model: HiddenMarkovModel, source: Any, params: HiddenMarkovParams, method: str, **asked: Any
) -> HiddenMarkovErrors:
    """Standard errors at `params` by any method of the engine."""
    found = inference.standard_errors(model, source, params, method, **asked)
    errors: HiddenMarkovParams = found.errors
    if model.n_states == 1:  # 1 by definition
        errors = errors._replace(
            start=tree.transform(np.zeros_like, errors.start),
            transitions=np.zeros_like(errors.transitions),
        )
    return HiddenMarkovErrors(*errors, found.note)


def named(
    model: HiddenMarkovModel, params: HiddenMarkovParams, columns: Sequence[str]
) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every number of the parameters by its name, the number of its leaf, and its place there.

    Forbidden transitions, which are zero by declaration, are left out.
    """
    at = 0
    if not isinstance(params.start, tuple):
        for k in range(model.n_states):
            yield f"start[{k}]", at, (k,)
        at += 1
    constraint, k = model.chain.transitions, model.n_states
    possible = allowed(constraint, (k, k)) | isinstance(constraint, Fixed)
    for i, j in np.argwhere(possible).tolist():
        yield f"transition[{i}, {j}]", at, (i, j)
    yield from of_family(model.family, tree.leaves(params), at + 1, columns)


def table(
    model: HiddenMarkovModel,
    params: HiddenMarkovParams,
    errors: HiddenMarkovParams,
    columns: Sequence[str],
    level: float,
) -> list[Estimate]:
    """All parameters, a row each, with Wald intervals; states are numbered as `predict` does."""
    return tabulated(model, params, errors, named(model, params, columns), level)  # type: ignore[arg-type]
