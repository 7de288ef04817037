"""Supplemented EM: the observed information from EM steps alone (Meng & Rubin 1991)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Backend
from ..model import Chunk, Model, Source
from ..numerical import WIDE_STEP, differences
from ..space import DegenerateError, OutOfChartError
from ..tree import Array, Tree
from .information import Information, note_on
from .oakes import complete_matrix
from .site import opened, refuse_random

ASYMMETRIC = 1e-3
"""Asymmetry, as a share of the diagonal, that is said aloud."""


@dataclass(frozen=True)
class Supplemented:
    """What supplemented EM finds.

    Attributes
    ----------
    information : Information
        The observed information, made symmetric.
    complete : array of shape (size, size)
        The complete-data information I_c.
    rates : array of shape (size, size)
        DM: row i is the derivative of the EM step with respect to coordinate i.
    asymmetry : float
        The largest difference between an entry of (I - DM) I_c and its mirror image, the
        diagonal scaled to one. Zero but for errors: of the differences, of an M-step that does
        not maximise q, of parameters that are not at the maximum.
    """

    information: Information
    complete: Array
    rates: Array
    asymmetry: float

    @property
    def em_rate(self) -> float:
        """The largest eigenvalue of DM: the share of the distance that an EM step leaves.

        Directions that the likelihood cannot see, along which EM stands still, are left out.
        """
        free, n_gauge = self.information.free, self.information.n_gauge
        if int(free.sum()) <= n_gauge:
            return 0.0
        eigenvalues = np.linalg.eigvals(self.rates[np.ix_(free, free)])
        return float(np.sort(eigenvalues.real)[-1 - n_gauge])


def supplemented_em(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    backend: Backend | None = None,
) -> Supplemented:
    """I_o = (I - DM) I_c, with DM from EM steps forced from perturbed parameters.

    Each coordinate is moved by itself, one EM step is taken, and where it leads is differenced
    (fourth order, four EM steps a free parameter); Meng & Rubin (1991, eq. 2.3.5 and sec. 3.3)
    difference along the EM sequence instead, which has to be kept for it. I_c is the
    curvature of q and touches no data.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        The maximum.
    backend : Backend, optional
        Threads on all cores by default.

    Returns
    -------
    Supplemented

    Raises
    ------
    ValueError
        If the E-step draws random numbers, or an EM step ends where it cannot be differenced.
    """
    refuse_random(model, "sem")
    with opened(model, data, params, backend) as site:
        origin = np.zeros(site.chart.size)

        def em_step(x: Array) -> Array:
            at = site.chart.unpack(x)
            suff, _ = site.evaluator.suff(at)
            return site.chart.pack(model.m_step(suff, at))

        try:
            fine = differences(em_step, origin, WIDE_STEP)
            rates = (4 * fine - differences(em_step, origin, 2 * WIDE_STEP)) / 3
        except (DegenerateError, OutOfChartError) as error:
            raise ValueError(
                "got an EM step that ends on an edge of what is allowed, where method='sem' cannot "
                f"difference it ({error}); use 'oakes'"
            ) from error
        complete = complete_matrix(site, site.suff(origin))
        free = np.ix_(site.free, site.free)
        matrix = np.zeros_like(complete)
        inner = complete[free] - rates[free] @ complete[free]
        matrix[free] = (inner + inner.T) / 2
        asymmetry = _asymmetry(inner)
        note = note_on(site, matrix, "information of supplemented EM")
        if asymmetry > ASYMMETRIC:
            off = (
                f"Supplemented EM's matrix is asymmetric by {asymmetry:.1g} of its diagonal: the "
                "parameters are not at the maximum, or the M-step does not maximise q."
            )
            note = f"{note} {off}".strip()
        return Supplemented(
            Information(site.chart, matrix, site.free, note, model.n_gauge),
            complete,
            rates,
            asymmetry,
        )


def _asymmetry(matrix: Array) -> float:
    scale = np.sqrt(np.abs(np.diagonal(matrix)))
    scale = np.where(scale > 0, scale, 1.0)
    return float(np.max(np.abs(matrix - matrix.T) / scale / scale[:, None], initial=0.0))
