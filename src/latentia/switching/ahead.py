"""What follows a switching autoregression: its moments, and its paths of states, step by step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows

from .lagged import LaggedModel, LaggedParams
from .outlook import NormalPaths, SeriesOutlook

Array = NDArray[np.float64]

PATHS = 4096
"""Paths of states that a step is mixed of, at most; of more, so many are drawn."""


class Step(NamedTuple):
    """y = constant + φ · lags + e of each tuple of states, and how tuples follow one another.

    Attributes
    ----------
    constant : array of shape (G,)
    phi : array of shape (G, p)
    variance : array of shape (G,)
    moves : array of shape (G, G)
    """

    constant: Array
    phi: Array
    variance: Array
    moves: Array


def step_of(model: LaggedModel, params: LaggedParams) -> Step:
    """The dynamics of each tuple of states."""
    series, made = model.series, params.series
    phi = made.coefficients[series.own]
    constant = made.levels[series.tuples[:, 0]]
    if series.centred:
        constant = constant - (phi * made.levels[series.tuples[:, 1:]]).sum(axis=1)
    return Step(constant, phi, made.variances[series.noise], model.law(params)[1])


def moments(step: Step, begin: Array, lags: Array, steps: int) -> tuple[Array, Array, Array]:
    """P(tuple), means and variances of the next steps: a chain of linear maps, exactly.

    With 1{g} that of a tuple at t, expectations of 1{g}, of lags times 1{g}, and of their products
    follow those of t - 1 linearly (Costa, Fragoso & Marques 2005, prop. 3.35).

    Parameters
    ----------
    step : Step
    begin : array of shape (G,)
        P(tuple) of the last step.
    lags : array of shape (p,)
        The last values, the latest first.
    steps : int

    Returns
    -------
    tuples : array of shape (steps, G)
    means, variances : arrays of shape (steps,)
    """
    p = len(lags)
    share, first = begin, begin[:, None] * lags
    second = begin[:, None, None] * np.outer(lags, lags)
    tuples, means, variances = np.empty((steps, len(begin))), np.empty(steps), np.empty(steps)
    for h in range(steps):
        share = step.moves.T @ share
        first = step.moves.T @ first
        second = np.tensordot(step.moves.T, second, 1)
        turned = np.einsum("gi,gij->gj", step.phi, second)
        along = (step.phi * first).sum(axis=1)
        y = step.constant * share + along
        with_lags = step.constant[:, None] * first + turned
        square = step.constant * (step.constant * share + 2 * along)
        square = square + (turned * step.phi).sum(axis=1) + step.variance * share
        tuples[h], means[h] = share, y.sum()
        variances[h] = square.sum() - means[h] ** 2
        if p:
            first = np.hstack([y[:, None], first[:, :-1]])
            second = _moved(square, with_lags, second)
    return tuples, means, variances


def _moved(square: Array, with_lags: Array, lags: Array) -> Array:
    """Products of lags one step on, (m, p, p): the newest value's square, and those it has part in.

    `square` (m,) is the newest value's; `with_lags` (m, p), `lags` (m, p, p) are of the old ones.
    """
    made = np.empty_like(lags)
    made[:, 0, 0] = square
    made[:, 0, 1:] = made[:, 1:, 0] = with_lags[:, :-1]
    made[:, 1:, 1:] = lags[:, :-1, :-1]
    return made


def paths(
    step: Step, begin: Array, lags: Array, steps: int, rng: np.random.Generator
) -> tuple[list[NormalPaths], bool]:
    """The next steps given each path of states to them, and whether these are all paths.

    Where there are more than `PATHS`, so many are drawn in proportion to their weights, one in
    each of as many equal shares of them.
    """
    p, exact = len(lags), True
    at = np.flatnonzero(begin > 0)
    weight = begin[at] / begin[at].sum()
    mean, spread = np.tile(lags, (len(at), 1)), np.zeros((len(at), p, p))
    made: list[NormalPaths] = []
    for _ in range(steps):
        likely = weight[:, None] * step.moves[at]
        from_, at = np.nonzero(likely > 0)
        weight, mean, spread = likely[from_, at], mean[from_], spread[from_]
        if len(weight) > PATHS:
            exact = False
            ends = np.cumsum(weight) / weight.sum()
            points = (np.arange(PATHS) + rng.uniform()) / PATHS
            kept = np.minimum(np.searchsorted(ends, points), len(ends) - 1)
            at, mean, spread = at[kept], mean[kept], spread[kept]
            weight = np.full(PATHS, 1 / PATHS)
        phi = step.phi[at]
        turned = np.einsum("ni,nij->nj", phi, spread)
        y = step.constant[at] + (phi * mean).sum(axis=1)
        variance = step.variance[at] + (turned * phi).sum(axis=1)
        made.append(NormalPaths(weight / weight.sum(), y, variance))
        if p:
            mean = np.hstack([y[:, None], mean[:, :-1]])
            spread = _moved(variance, turned, spread)
    return made, exact


def outlook(
    model: LaggedModel,
    params: LaggedParams,
    rows: GroupedRows,
    steps: int,
    names: list[str],
    rng: np.random.Generator,
) -> SeriesOutlook:
    """The steps after the last one of each series."""
    step, k = step_of(model, params), model.n_states
    filtered = model.tuples_at_ends(params, rows)
    found: list[NormalPaths] = []
    exact, parts = True, []
    for begin, end in zip(filtered, np.cumsum(rows.sizes) - 1, strict=True):
        lags = np.asarray(rows.x[end, : model.series.order], dtype=np.float64)
        parts.append(moments(step, begin, lags, steps))
        own, all_of_them = paths(step, begin, lags, steps, rng)
        found += own
        exact = exact and all_of_them
    tuples, means, variances = (np.concatenate(each) for each in zip(*parts, strict=True))
    states = np.zeros((len(tuples), k))
    for i in range(k):
        states[:, i] = tuples[:, model.series.tuples[:, 0] == i].sum(axis=1)
    return SeriesOutlook(found, states, means, variances, names, exact)
