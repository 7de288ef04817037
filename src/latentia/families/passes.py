"""One E-step of a mixture of normal components over rows without holes: compiled, or by NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine.tree import reduce_in_order

from . import lines, moments, twofold
from .covariance import Covariance
from .kernels.ready import ready
from .kernels.rule import Form
from .moments import Moments

Array = NDArray[np.float64]


class PreparedRows(NamedTuple):
    """Rows without holes, and what a pass would work out of them anew.

    Attributes
    ----------
    x, weights : array
        As in `Rows`.
    inside : array of shape (n, d) or None
        The rows in the frame, where NumPy is to make the pass: of few rows then.
    lines : array or None
        What `lines.laid_out` makes of these, where there is room for it.
    scatter : array of shape (d, d) or None
        Their second moment about the frame's origin, where one covariance is for all.
    """

    x: Any
    weights: Array
    inside: Array | None = None
    lines: Array | None = None
    scatter: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: NDArray[np.intp]) -> Any:
        return Rows(self.x, self.weights).take(idx)

    def reweight(self, w: Array) -> Any:
        return Rows(self.x, self.weights).reweight(w)


class Passed(NamedTuple):
    """The log-likelihood of rows in the user's units, and moments in the frame, (K, ...)."""

    loglik: float
    moments: Moments


class Components(NamedTuple):
    """The components of a mixture in the frame.

    Attributes
    ----------
    offset : array of shape (K,)
        log weight_k less the logarithm of what normalises the density.
    means : array of shape (K, d)
    precision : array
        Factors, as of `Covariance.precision`.
    """

    offset: Array
    means: Array
    precision: Array


def compiled(
    form: Form, structure: Covariance, frame: Frame, components: Components, rows: Any
) -> Passed:
    """The pass of a compiled form; its log-likelihood is nan where rows have holes."""
    more = form.options
    scatter = getattr(rows, "scatter", None)
    if scatter is not None:
        more["scatter"] = scatter
    module = ready(form, rows.x, structure.form)
    offset, means, precision = components
    loglik, count, first, second = module.run(
        rows.x, rows.weights, frame.origin, 1 / frame.scale, offset, means, precision, **more
    )
    if not form.centred:
        return Passed(loglik, moments.plain(structure, count, first, second))
    if form.careful:
        return Passed(loglik, Moments(*twofold.about_zero(count, first, second, means)))
    cross = first[:, :, None] * means[:, None, :]
    within = count[:, None, None] * means[:, :, None] * means[:, None, :]
    second = second + (cross + np.swapaxes(cross, 1, 2)) + within
    first = first + count[:, None] * means
    return Passed(loglik, moments.plain(structure, count, first, second))


def by_numpy(
    structure: Covariance, frame: Frame, components: Components, rows: Any, careful: bool
) -> Passed:
    """The same without Numba; `careful` says that some component is thin."""
    laid_out = getattr(rows, "lines", None)
    if laid_out is not None and not careful:
        return _in_lines(structure, components, laid_out, rows.weights)
    inside = getattr(rows, "inside", None)
    if inside is not None:
        return _block(structure, components, inside, rows.weights, careful)
    blocks = Rows(rows.x, rows.weights).blocks()
    return reduce_in_order(
        [_block(structure, components, frame.into(x), w, careful) for x, w in blocks]
    )


def _block(
    structure: Covariance, components: Components, z: Array, weights: Array, careful: bool
) -> Passed:
    offset, means, precision = components
    joint = offset[:, None] - 0.5 * structure.squared_distance(precision, z, means).T
    loglik, resp = _shared_out(joint, weights)
    return Passed(loglik, moments.of_rows(structure, z, resp, means if careful else None))


def _in_lines(
    structure: Covariance, components: Components, laid_out: Array, weights: Array
) -> Passed:
    loglik, resp = _shared_out(lines.log_density(structure, *components, laid_out), weights)
    d = components.means.shape[1]
    return Passed(loglik, moments.plain(structure, *lines.moments(structure, resp, laid_out, d)))


def _shared_out(joint: Array, weights: Array) -> tuple[float, Array]:
    """The log-likelihood and the weights of rows shared out, (K, n), in the room of `joint`."""
    top = joint.max(axis=0)
    if not np.isfinite(top).all():
        top = np.where(np.isneginf(top), 0.0, top)
    joint -= top
    resp = np.exp(joint, out=joint)
    total = resp.sum(axis=0)
    loglik = float(weights @ (top + np.log(total)))
    resp *= weights / total
    return loglik, resp
