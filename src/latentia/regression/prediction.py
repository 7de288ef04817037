"""What a fitted mixture of regressions says of rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import LEAST
from latentia.mixture.groups import grouped
from latentia.mixture.model import Membership, MixtureParams, bayes

from . import data
from .setting import Setting

Array = NDArray[np.float64]


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
    for at in range(0, len(given), LEAST):
        block = given[at : at + LEAST]
        means[at : at + LEAST] = family.mean(params.components, block[:, q:])
        logs = model.weighting.log_weights(params.weights, block[:, :q])
        weights[at : at + LEAST] = np.exp(logs)
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


def mean_weights(setting: Setting, params: MixtureParams, rows: Any) -> Array:
    """The weights, with covariates on them their mean over the units, (K,)."""
    z = data.units(rows)[:, : setting.n_concomitant]
    each = np.exp(setting.model().weighting.log_weights(params.weights, z))
    return each if each.ndim == 1 else rows.weights @ each / rows.weights.sum()
