"""Information from the scores of single units, and the sandwich that it fills."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np

from ..backend import Backend
from ..chart import Chart
from ..evaluator import FAILURES
from ..model import Chunk, Model, Source, Suff
from ..numerical import differences, gradient_of
from ..tree import Array, Tree
from .information import Information, inverse_over, judged, note_on
from .oakes import observed_matrix
from .site import Site, opened, refuse_random, require_units, unit_weights

MANY = 1000
"""Units of a chunk from which their scores are differences of all their log-likelihoods."""


class UnitScores(NamedTuple):
    """The score of each independent unit, in the chart's coordinates.

    Attributes
    ----------
    scores : array of shape (units, size)
        Of one copy of the unit: its weight is not in it.
    weights : array of shape (units,)
        How often each unit counts.
    """

    scores: Array
    weights: Array


def unit_scores(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    backend: Backend | None = None,
) -> UnitScores:
    """The score of every unit of positive weight, from the same linear map that gives the whole.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
    backend : Backend, optional

    Returns
    -------
    UnitScores
        ``weights @ scores`` is the score of the likelihood; a prior is not in it.
    """
    with opened(model, data, params, backend) as site:
        return site_scores(site)


def site_scores(site: Site) -> UnitScores:
    """The scores of the units at a site."""
    parts = site.evaluator.mapper.each(_of_chunk, site.chart)
    found = [pair for part in parts for pair in part]
    scores = np.array([slope for slope, _ in found], dtype=np.float64)
    weights = np.array([weight for _, weight in found], dtype=np.float64)
    return UnitScores(scores.reshape(len(found), site.chart.size), weights)


def _of_chunk(model: Model[Any, Any], chart: Chart, chunk: Chunk) -> list[tuple[Array, float]]:
    made = _together(model, chart, chunk) if len(chunk) > MANY else None
    if made is not None:
        return made
    with np.errstate(all="ignore"):  # as in a fit, where what is not finite is told apart
        return [
            (_slope(model, chart, suff) / suff.n_units, suff.n_units)
            for suff in model.unit_stats(chart.base, chunk)
            if suff.n_units > 0
        ]


def _together(
    model: Model[Any, Any], chart: Chart, chunk: Chunk
) -> list[tuple[Array, float]] | None:
    """The same by fourth-order differences of all units' log-likelihoods, where a model has them.

    None where it has none, or where one is not finite so near the estimate.
    """
    if model.unit_logliks(chart.base, chunk) is None:
        return None
    weights = unit_weights(model, chart.base, chunk)

    def each(x: Array) -> Array:
        return np.asarray(model.unit_logliks(chart.unpack(x), chunk), dtype=np.float64)

    try:
        with np.errstate(all="ignore"):
            slopes = gradient_of(cast(Any, each), np.zeros(chart.size)).T
    except FAILURES:
        return None
    used = weights > 0
    if not np.isfinite(slopes[used]).all():
        return None
    return list(zip(slopes[used], weights[used].tolist(), strict=True))


def _slope(model: Model[Any, Any], chart: Chart, suff: Suff) -> Array:
    """The gradient of q without the prior, which belongs to no unit."""
    gradient = model.score(chart.base, suff)
    if gradient is not None:
        return chart.pull(chart.base, gradient)
    return gradient_of(lambda x: model.q(chart.unpack(x), suff), np.zeros(chart.size))


def outer_products(site: Site, method: str) -> Array:
    """The sum over units of weight times score times score transposed.

    Raises
    ------
    TooFewUnitsError
        If there are fewer units than free parameters and one, or a single one.
    """
    scores, weights = site_scores(site)
    require_units(method, len(weights), float(weights.sum()), site.n_free)
    return (weights[:, None] * scores).T @ scores


def empirical_information(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    backend: Backend | None = None,
) -> Information:
    """The outer product of the units' scores, sum_i w_i s_i s_iᵀ (Berndt et al. 1974).

    One pass over the data whatever the number of parameters. A weight counts how often a unit
    is there. The curvature of a prior is added.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
    backend : Backend, optional

    Returns
    -------
    Information

    Raises
    ------
    TooFewUnitsError
        If there are fewer units than free parameters and one, or a single one.
    """
    with opened(model, data, params, backend) as site:
        matrix = outer_products(site, "opg")
        if model.has_prior:
            matrix = matrix + _prior_information(site)
        why = "these units do not tell all parameters apart"
        return judged(site, matrix, "outer product of the scores", why)


def _prior_information(site: Site) -> Array:
    def height(x: Array) -> float:
        return site.model.log_prior(site.chart.unpack(x))

    matrix = -differences(lambda x: gradient_of(height, x), np.zeros(site.chart.size))
    return (matrix + matrix.T) / 2


class Sandwich(NamedTuple):
    """A robust covariance in the chart's coordinates, with the observed information inside."""

    covariance: Array
    information: Information


def sandwich_covariance(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    backend: Backend | None = None,
) -> Sandwich:
    """A⁻¹ B A⁻¹ with A the observed information and B the outer product of the units' scores.

    Right for the parameters that the model would have with endless data, also where no
    parameters make it true (Huber 1967; White 1982, theorem 3.2).

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        The maximum.
    backend : Backend, optional

    Returns
    -------
    Sandwich

    Raises
    ------
    TooFewUnitsError
        If there are fewer units than free parameters and one, or a single one.
    ValueError
        If the E-step draws random numbers.
    """
    refuse_random(model, "sandwich")
    with opened(model, data, params, backend) as site:
        between = outer_products(site, "sandwich")
        matrix = observed_matrix(site)
        bread = inverse_over(matrix, site.free, model.n_gauge)
        note = note_on(site, matrix, "observed information")
        information = Information(site.chart, matrix, site.free, note, model.n_gauge)
        return Sandwich(bread @ between @ bread, information)
