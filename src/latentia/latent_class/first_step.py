"""How uncertain the classes themselves are, for whatever is made of them in a later step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.engine import inference
from latentia.engine.backend import Backend
from latentia.engine.chart import Chart

from .fitted import Fitted

Array = NDArray[np.float64]

STEP = 1e-4
"""Of central differences, in the coordinates of the chart: logits, mostly."""


class FirstStep(NamedTuple):
    """The estimate of the classes, its covariance, and the rows that are assigned to them.

    Attributes
    ----------
    fitted : Fitted
    chart : Chart
        Coordinates of its parameters, zero at the estimate.
    covariance : array of shape (size, size)
        In these coordinates.
    x : array of shape (n, q + d)
        Rows as the model takes them.
    """

    fitted: Fitted
    chart: Chart
    covariance: Array
    x: Array

    def memberships(self, coordinates: Array) -> Array:
        """Of the rows, (n, K), were the parameters elsewhere."""
        there = self.fitted._replace(params=self.chart.unpack(coordinates))
        blocks = Rows.of(self.x).blocks()
        return np.concatenate([there.posterior(block).resp for block in blocks])

    def spread(self, function: Callable[[Array], Array]) -> Array:
        """Covariance that a function of the memberships, (m,), has from these alone, (m, m).

        The delta method with central differences (Bakk, Oberski & Vermunt 2014).
        """
        free = np.flatnonzero(np.diagonal(self.covariance) > 0)
        slopes: list[Array] = []
        for j in free:
            away = np.zeros(len(self.covariance))
            away[j] = STEP
            ahead, behind = (function(self.memberships(side)) for side in (away, -away))
            slopes.append((ahead - behind) / (2 * STEP))
        jacobian = np.array(slopes)
        return jacobian.T @ self.covariance[np.ix_(free, free)] @ jacobian


def of_fit(fitted: Fitted, data: Any, x: Array, backend: Backend) -> FirstStep:
    """The covariance of the estimate by the observed information of the data of its fit.

    Raises
    ------
    ValueError
        If that is not positive definite.
    """
    found = inference.standard_errors(fitted.model, data, fitted.params, backend=backend)
    if not np.isfinite(found.covariance).all():
        raise ValueError(
            f"{found.note} So it is not known how uncertain the classes are; give "
            "first_step=False to take them as known"
        )
    return FirstStep(fitted, found.chart, found.covariance, x)
