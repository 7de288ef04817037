"""The lines of a fitted mixture along one covariate, for a picture."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.mixture.model import MixtureParams

from .prediction import expected
from .reading import Read
from .setting import Setting

Array = NDArray[np.float64]


class Lines(NamedTuple):
    """Rows and lines over one covariate.

    Attributes
    ----------
    column, response : str
        What the axes are called.
    x, y : array of shape (n,)
        The rows; responses of several trials as shares of these.
    resp : array of shape (n, K)
        The probability of each component given the response.
    at : array of shape (m,)
        Values of the covariate.
    means : array of shape (m, K)
        The expected response of each component there, other covariates at their mean or most
        frequent level, and so the offset.
    """

    column: str
    response: str
    x: Array
    y: Array
    resp: Array
    at: Array
    means: Array


def lines(
    setting: Setting,
    params: MixtureParams,
    found: Read,
    given: Array,
    resp: Array,
    column: str | None,
    n_points: int = 200,
) -> Lines:
    """The lines along a covariate, by default the first that is a number.

    Raises
    ------
    ValueError
        If there is no such covariate, or if it is none of numbers.
    """
    column = _chosen(setting, found, column)
    x = np.asarray(found.columns[column], dtype=np.float64)
    at = np.linspace(x.min(), x.max(), n_points)
    columns = {
        name: np.repeat(_typical(values), n_points) for name, values in found.columns.items()
    }
    columns[column] = at
    q, design = setting.n_concomitant, setting.design.matrix(columns, n_points)
    beside = given[:, q + design.shape[1] :]
    usual = np.array([beside[:, 0].mean(), 1.0])[: beside.shape[1]]
    others = np.zeros((n_points, q)), design, np.repeat(usual[None], n_points, axis=0)
    y = np.asarray(found.y, dtype=np.float64)
    if len(usual) == 2:
        y = y / np.maximum(beside[:, 1], 1.0)
    own = setting.design.formula
    response = "response" if own is None else str(own.response)
    means = expected(setting, params, np.hstack(others)).means
    return Lines(column, response, x, y, resp, at, means)


def _chosen(setting: Setting, found: Read, column: str | None) -> str:
    numeric = [
        name
        for name in setting.design.columns
        if np.asarray(found.columns[name]).dtype.kind in "biuf"
    ]
    if column is None and numeric:
        return numeric[0]
    if column not in numeric:
        what = "no covariate of numbers" if column is None else f"column={column!r}"
        known = ", ".join(map(repr, numeric)) or "one in the design"
        raise ValueError(f"got {what}, expected a covariate of numbers: {known}")
    return column


def _typical(values: Any) -> Any:
    """The mean of numbers, the most frequent of levels."""
    if np.asarray(values).dtype.kind in "biuf":
        return np.asarray(values, dtype=np.float64).mean()
    level = Counter(np.asarray(values).tolist()).most_common(1)[0][0]
    return np.array([level], dtype=object)
