"""Normal densities of classes that are known: one M-step is the answer, whatever is tied."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine.space import DegenerateError
from latentia.families.covariance import structure_of
from latentia.families.gaussian import GaussianParams

Array = NDArray[np.float64]


class ClassMoments(NamedTuple):
    """What the rows of each class say of its mean and covariance.

    Attributes
    ----------
    frame : Frame
        In whose origin and unit they are.
    count : array of shape (C,)
    means : array of shape (C, d)
    scatter : array of shape (C, d, d)
        Sums of squares and products about the means.
    """

    frame: Frame
    count: Array
    means: Array
    scatter: Array


def moments_of(x: Any, codes: NDArray[np.intp], weights: Array, n_classes: int) -> ClassMoments:
    """The moments of rows (n, d) whose classes are `codes`, all of positive weight."""
    frame = Frame.of(Rows(x, weights))
    z = frame.into(x)
    count = np.asarray(np.bincount(codes, weights, n_classes), dtype=np.float64)
    means, scatter = np.empty((n_classes, z.shape[1])), np.empty((n_classes, *2 * z.shape[1:]))
    for c in range(n_classes):
        own = codes == c
        w, mine = weights[own], z[own]
        means[c] = w @ mine / count[c]
        about = mine - means[c]
        scatter[c] = (about.T * w) @ about
    return ClassMoments(frame, count, means, scatter)


def maximum(moments: ClassMoments, covariance_type: str, floor: float) -> GaussianParams | None:
    """Means and covariances of highest likelihood; None where it is not a proper maximum.

    That is so where a covariance would be singular or lie on the floor (Celeux & Govaert 1995,
    sec. 4, whose M-steps these are).
    """
    frame, count, means, scatter = moments
    d = means.shape[1]
    structure = structure_of(covariance_type, d)
    constraint = structure.space(frame.spread, floor)
    try:
        with np.errstate(all="ignore"):
            made = structure.maximum(count, structure.summed(scatter), floor / frame.scale**2, d)
            made = frame.scale**2 * made
            constraint.chart(made)  # which no singular matrix has
    except (DegenerateError, np.linalg.LinAlgError):
        return None
    if constraint.violation(made, made) is not None or constraint.at_floor(made):
        return None
    return GaussianParams(frame.origin + frame.scale * means, made)
