"""What a fitted mixture of regressions says of rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import PART
from latentia.engine.relabel import permute
from latentia.mixture.groups import grouped
from latentia.mixture.model import Membership, MixtureParams, bayes

from . import data
from .setting import Setting

Array = NDArray[np.float64]

EQUAL = 3
"""Decimals to which weights are told apart where components are numbered."""


class Expected(NamedTuple):
    """Of each row: the expected response of each component, (n, K), and the weights, (n, K)."""

    means: Array
    weights: Array


def expected(setting: Setting, params: MixtureParams, given: Array) -> Expected:
    """What is expected of rows without their response.

    Parameters
    ----------
    setting : Setting
    params : MixtureParams
    given : array
        As `Setting.given` makes it.
    """
    model, q = setting.model(), setting.n_concomitant
    family: Any = model.family
    means = np.empty((len(given), setting.n_components))
    weights = np.empty(means.shape)
    for at in range(0, len(given), PART):
        block = given[at : at + PART]
        means[at : at + PART] = family.mean(params.components, block[:, q:])
        logs = model.weighting.log_weights(params.weights, block[:, :q])
        weights[at : at + PART] = np.exp(logs)
    return Expected(means, weights)


def posterior(
    setting: Setting, params: MixtureParams, given: Array, y: Array, labels: Any
) -> Membership:
    """What is known of each row's component once responses are seen; a missing one says nothing.

    Parameters
    ----------
    setting : Setting
    params : MixtureParams
    given : array
        As `Setting.given` makes it.
    y : array of shape (n,)
        nan where it is missing.
    labels : array of shape (n,) or None
        The group of each row.
    """
    model, q, n = setting.model(), setting.n_concomitant, len(given)
    known = ~np.isnan(y)
    x = np.column_stack([given, y])[known]
    setting.require_possible(x, np.flatnonzero(known))
    density = np.zeros((n, setting.n_components))
    density[known] = model.family.log_density(params.components, x[:, q:])
    if labels is None:
        return bayes(density + model.weighting.log_weights(params.weights, given[:, :q]))
    rows, group = grouped(np.column_stack([given[:, :q], density]), np.ones(n), labels)
    z, summed = rows.firsts(rows.x[:, :q]), rows.summed(rows.x[:, q:])
    of_groups = bayes(summed + model.weighting.log_weights(params.weights, z))
    return Membership(of_groups.log_density[group], of_groups.resp[group])


def by_size(setting: Setting, params: MixtureParams, rows: Any) -> tuple[MixtureParams, Array]:
    """The components with the largest weight first, and these weights, (K,).

    With covariates on them weights are their mean over the units. Of equals the one with the
    smaller intercept comes first, so that numbers do not depend on which start won.
    """
    model = setting.model()
    z = data.units(rows)[:, : setting.n_concomitant]
    weights = np.exp(model.weighting.log_weights(params.weights, z))
    if weights.ndim == 2:
        weights = rows.weights @ weights / rows.weights.sum()
    order = np.lexsort((params.components.coefficients[:, 0], -np.round(weights, EQUAL)))
    return permute(model.space, params, order), weights[order]
