"""Steps to come, and steps given the others, of states that last by laws of their own.

A step of which nothing is known has density 1 in every state: appended to a sequence such steps are
those to come, and one in place of a step leaves it to the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.data.groups import GroupedRows

from ..filtering import normalised
from ..outlook import StepDistributions
from .model import SemiMarkovModel, SemiMarkovParams


def ahead(
    model: SemiMarkovModel, params: SemiMarkovParams, rows: GroupedRows, steps: int, names: Any
) -> StepDistributions:
    """The steps after the last one of each sequence, in turn; `model` allows for longer ones."""
    ends, d = np.cumsum(rows.sizes), rows.x.shape[1]
    blank, pieces = np.full((steps, d), np.nan), []
    for end, size in zip(ends, rows.sizes, strict=True):
        pieces += [rows.x[end - size : end], blank]
    longer = GroupedRows(np.concatenate(pieces), rows.weights, rows.sizes + steps)
    resp = model.posterior(params, longer).resp
    last = np.cumsum(longer.sizes)[:, None] + np.arange(-steps, 0)
    return StepDistributions(
        getattr(model.family, "inner", model.family), params.emissions, resp[last.ravel()], names
    )


def given_others(
    model: SemiMarkovModel, params: SemiMarkovParams, rows: GroupedRows, names: Any
) -> StepDistributions:
    """Each step given all other steps of its sequence.

    P(state | others) is in proportion to P(state | all) over the density of the step itself; where
    a state is impossible given all, that tells nothing, and the step is left out instead.
    """
    resp = model.posterior(params, rows).resp
    x = np.asarray(rows.x, dtype=np.float64)
    seen = np.flatnonzero(~np.isnan(x).all(axis=1))
    logs = np.zeros(resp.shape)
    logs[seen] = model.family.log_density(params.emissions, x[seen])
    with np.errstate(divide="ignore", invalid="ignore"):
        states = normalised(np.where(resp > 0, np.log(resp) - logs, -np.inf))
    firsts = np.cumsum(rows.sizes) - rows.sizes
    for t in seen[(resp[seen] == 0).any(axis=1)]:
        s = int(np.searchsorted(firsts, t, side="right")) - 1
        own = slice(firsts[s], firsts[s] + rows.sizes[s])
        hidden = x[own].copy()
        hidden[t - firsts[s]] = np.nan
        one = GroupedRows(hidden, np.ones(1), rows.sizes[s : s + 1])
        states[t] = model.posterior(params, one).resp[t - firsts[s]]
    return StepDistributions(
        getattr(model.family, "inner", model.family), params.emissions, states, names
    )
