"""What fits of one sample can give one another: starts made of their neighbours' memberships.

A fit that misses what the next one found (the same components under other covariances, one fewer or
one more of them) can have it for the price of a short climb.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.engine.space import DegenerateError
from latentia.families.noise import WithNoise

from .labels import guided
from .model import MixtureModel, MixtureParams
from .rearrange import halves, merged, overlapping, whitened

Array = NDArray[np.float64]

MERGED = 4
"""Pairs of components that are merged, those that overlap most."""

SAME = 1e-7
"""Starts whose log-likelihoods differ by less, relatively, are taken for one."""


class Fitted(NamedTuple):
    """A fitted mixture."""

    model: MixtureModel
    params: MixtureParams


def starts(
    mine: Fitted, neighbours: Sequence[Fitted], sample: Rows, rng: np.random.Generator
) -> list[MixtureParams]:
    """Starts of a model made of its neighbours' fits, the most promising first.

    Those that begin above its own fit come first, by their log-likelihood: where a neighbour is a
    special case, or has one component fewer, and yet is higher, such a start is certain to gain.
    Then the others, by their log-likelihood after one step.

    Parameters
    ----------
    mine : Fitted
    neighbours : sequence of Fitted
        Of as many components, whose memberships are taken as they are; of one fewer, of which each
        component is split in turn; or of one more, of which pairs that overlap are merged.
    sample : Rows
        Distinct rows.
    rng : numpy.random.Generator
        What halves are drawn from.
    """
    height = mine.model.height(mine.params, sample)
    certain: list[tuple[float, MixtureParams]] = []
    likely: list[tuple[float, MixtureParams]] = []
    seen: list[float] = []
    for resp in _memberships(mine.model, neighbours, sample, rng):
        try:
            params = mine.model.made_of(sample, guided(resp, sample))
        except (DegenerateError, np.linalg.LinAlgError):
            continue
        begins = mine.model.height(params, sample)
        if not np.isfinite(begins) or any(abs(begins - s) <= SAME * abs(s) for s in seen):
            continue
        seen.append(begins)
        if begins > height:
            certain.append((begins, params))
            continue
        stepped = mine.model.height_after_a_step(params, sample)
        if np.isfinite(stepped):
            likely.append((stepped, params))
    ranked = (sorted(each, key=lambda start: -start[0]) for each in (certain, likely))
    return [params for some in ranked for _, params in some]


def _memberships(
    model: MixtureModel, neighbours: Sequence[Fitted], sample: Rows, rng: np.random.Generator
) -> Iterator[Array]:
    """Memberships of the sample's rows in as many components as the model has."""
    codes: Any = getattr(model.guesses, "categorical", ())
    white: Array | None = None
    for other, params in neighbours:
        resp = other.posterior(params, sample).resp
        if not np.isfinite(resp).all():
            continue
        if other.n_components == model.n_components:
            yield resp
        elif isinstance(model.family, WithNoise):
            continue  # which is no component to be split or merged
        elif other.n_components == model.n_components - 1:
            if white is None:
                white = whitened(sample.x, sample.weights, codes)
            for k in range(other.n_components):
                half = halves(white, sample.weights, resp[:, k], rng)
                if half is not None:
                    yield np.column_stack([np.delete(resp, k, axis=1), half])
        elif other.n_components == model.n_components + 1:
            for first, second in overlapping(resp, sample.weights)[:MERGED]:
                yield merged(resp, first, second)
