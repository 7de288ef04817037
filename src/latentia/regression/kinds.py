"""Families of regressions by name, and how each is made for some rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.families.predictor import Basis
from latentia.families.regression import (
    BinomialRegression,
    GammaRegression,
    GaussianRegression,
    PoissonRegression,
    Regression,
)
from latentia.families.regression.gaussian import LinearFrame

Array = NDArray[np.float64]


class Kind(NamedTuple):
    """A family of regressions.

    Attributes
    ----------
    words : str
        What its components are called.
    build : callable
        Makes the family of a number of components, a frame, whether a dispersion is shared, and
        the floor under variances.
    dispersion : str or None
        What the parameter beside the coefficients is called.
    trials : bool
        Whether responses are of a number of trials.
    """

    words: str
    build: Callable[[int, LinearFrame, bool, float], Regression[Any, Any]]
    dispersion: str | None
    trials: bool


def _p(frame: LinearFrame) -> int:
    return len(frame.origin)


KINDS: dict[str, Kind] = {
    "gaussian": Kind(
        "linear regressions",
        lambda k, frame, shared, floor: GaussianRegression(
            k, _p(frame), shared=shared, floor=floor, frame=frame
        ),
        "variance",
        False,
    ),
    "poisson": Kind(
        "Poisson regressions",
        lambda k, frame, shared, _: PoissonRegression(k, _p(frame), basis=frame.basis),
        None,
        False,
    ),
    "binomial": Kind(
        "logistic regressions",
        lambda k, frame, shared, _: BinomialRegression(k, _p(frame), basis=frame.basis),
        None,
        True,
    ),
    "gamma": Kind(
        "gamma regressions",
        lambda k, frame, shared, _: GammaRegression(k, _p(frame), shared=shared, basis=frame.basis),
        "shape",
        False,
    ),
}


def framed(kind: Kind, x: Array, weights: Array, n_features: int) -> LinearFrame:
    """The frame of rows of a design, what stands beside it and a response."""
    if kind.dispersion == "variance":
        return LinearFrame.of(x, weights, n_features)
    basis = Basis.of(x[:, :n_features], weights)
    return LinearFrame(basis, np.zeros(n_features), 1.0)
