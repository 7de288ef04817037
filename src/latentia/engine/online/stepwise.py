"""Stepwise EM: an M-step after every block, from averages that forget.

Cappé & Moulines (2009), On-line expectation-maximization algorithm for latent data models,
JRSS B 71; Liang & Klein (2009), Online EM for unsupervised models, NAACL. With step size 1 it is
ordered subsets (Hudson & Larkin 1994, IEEE Trans. Med. Imaging 13).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import tree
from ..chart import Chart
from ..model import Model, Suff
from ..space import DegenerateError, OutOfChartError
from ..tree import Tree
from .blocks import m_step, scaled


class Stepwise(NamedTuple):
    """Where stepwise EM stands: a tree, so it can be kept in a file.

    Attributes
    ----------
    params : params
    average : Suff or None
        Running statistics per unit of weight; None before the first block.
    seen : float
        Weight of all units seen so far, repeats counted.
    mean : params or None
        Average of the parameters since averaging began (Polyak & Juditsky 1992).
    n_averaged : int
        How many it is of.
    """

    params: Tree
    average: Suff | None = None
    seen: float = 0.0
    mean: Tree | None = None
    n_averaged: int = 0


def step_size(weight: float, seen: float, block: float, alpha: float, offset: float) -> float:
    """gamma = (t + t0)^-alpha, with time measured in blocks of one weight.

    For blocks of equal weight t is their number so far, and this is the schedule of Cappé &
    Moulines (2009, sec. 2.2) and Liang & Klein (2009, eq. 4). A block of another weight counts in
    proportion. The step is never smaller than in a plain average over all units, so that the
    first blocks do not weigh more than later ones.

    Parameters
    ----------
    weight : float
        Of this block.
    seen : float
        Of all blocks so far, this one included.
    block : float
        The weight that counts as one block.
    alpha : float
        Above 0.5, at most 1, where all units count alike for ever.
    offset : float
        t0.

    Examples
    --------
    >>> [round(step_size(10, 10 * t, 10, 0.6, 0), 3) for t in (1, 2, 3, 10)]
    [1.0, 0.66, 0.517, 0.251]
    >>> step_size(5, 20, 5, 1.0, 0)
    0.25
    """
    if weight <= 0:
        return 0.0
    scheduled = weight / block * (seen / block + offset) ** -alpha
    return min(1.0, max(scheduled, weight / seen))


def absorb(state: Stepwise, suff: Suff, gamma: float) -> Stepwise:
    """s <- (1 - gamma) s + gamma * (statistics of a block) / (its weight)."""
    weight = float(suff.n_units)
    if weight <= 0:
        return state
    seen = state.seen + weight
    each = scaled(suff, 1 / weight)
    if state.average is not None and gamma < 1:
        each = tree.add(tree.scale(state.average, 1 - gamma), tree.scale(each, gamma))
    return state._replace(average=each, seen=seen)


def maximise(model: Model[Any, Any], state: Stepwise, total: float) -> Stepwise:
    """The M-step at the averages, scaled to the weight `total` so that a prior counts rightly.

    Raises
    ------
    ConstraintError
        If the parameters leave the model's space.
    DegenerateError
        If they have no finite likelihood.
    """
    if state.average is None:
        raise ValueError("got a state without statistics, expected one that has seen a block")
    suff = scaled(state.average, total / float(state.average.n_units))
    return state._replace(params=m_step(model, suff, state.params))


def averaged(model: Model[Any, Any], state: Stepwise) -> Stepwise:
    """Take the parameters into their running mean, in the coordinates of the chart.

    Where the chart cannot express them (a new exact zero) the mean begins anew.
    """
    if state.mean is None:
        return state._replace(mean=state.params, n_averaged=1)
    n = state.n_averaged + 1
    try:
        chart = Chart(model.space, state.mean)
        mean = chart.unpack(chart.pack(state.params) / n)
    except (DegenerateError, OutOfChartError):
        return state._replace(mean=state.params, n_averaged=1)
    return state._replace(mean=mean, n_averaged=n)


def ordered_subset(model: Model[Any, Any], params: Tree, suff: Suff, total: float) -> Tree:
    """One step from the statistics of a subset as though it were the whole.

    Hudson & Larkin (1994), eq. 2. It does not converge by itself: parameters go round in a
    cycle about the maximum.

    Parameters
    ----------
    model : Model
    params : params
        At which `suff` was made.
    suff : Suff
        Of the subset.
    total : float
        Weight of all units.
    """
    return m_step(model, scaled(suff, total / float(suff.n_units)), params)
