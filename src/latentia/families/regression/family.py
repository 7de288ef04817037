"""What regressions share as families: which columns are given, and first lines to start from."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..cells import BORROWED
from ..family import Family
from ..predictor import Basis

Array = NDArray[np.float64]
F = TypeVar("F", bound=tuple[Any, ...])
S = TypeVar("S", bound=tuple[Any, ...])


class Regression(Family[F, S]):
    """f(y | x, component k), where E[y] follows from a linear predictor η = x'β_k + offset.

    Columns of a row are the design x, an offset, the number of trials where there is one, and
    last the response y. All but the response are given.

    Attributes
    ----------
    n_components : int
    n_features : int
        Columns of the design, p; an intercept is one of them.
    basis : Basis
        Of the design.
    n_beside : int
        Columns between the design and the response.
    """

    n_features: int
    basis: Basis
    n_beside: int = 1

    @abstractmethod
    def mean(self, params: F, given: Array) -> Array:
        """E[y | x, k], shape (n, K), of rows without their response (or with it)."""

    @abstractmethod
    def response(self, params: F, given: Array, rng: np.random.Generator) -> Array:
        """A response drawn from each component, (n, K)."""

    @abstractmethod
    def on_scale(self, x: Array) -> Array:
        """Responses as linear predictors without their offset, about, shape (n,)."""

    @abstractmethod
    def wrong(self, x: Array) -> tuple[NDArray[np.bool_], str]:
        """Of which rows no component could make the response, and what is expected."""

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        rows, expected = self.wrong(np.asarray(x, dtype=np.float64))
        if not rows.any():
            return None
        return int(np.argmax(rows)), x.shape[1] - 1, expected

    def redraw(
        self, params: F, x: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        made = np.array(x, dtype=np.float64)
        made[:, -1] = self.response(params, made, rng)[np.arange(len(made)), labels]
        return made


def design(x: Array, n_features: int) -> Array:
    """The design of rows, (n, p)."""
    return np.asarray(x[:, :n_features], dtype=np.float64)


def predictors(coefficients: Array, x: Array) -> Array:
    """η of each row and component, (n, K)."""
    p = coefficients.shape[1]
    offset = np.asarray(x[:, p, None], dtype=np.float64)
    return design(x, p) @ coefficients.T + offset


def grams(rows: Array, resp: Array) -> Array:
    """sum_i resp[i, k] x_i x_i', (K, p, p)."""
    return np.stack([rows.T @ (each[:, None] * rows) for each in resp.T])


def with_pooled(resp: Array) -> Array:
    """Responsibilities with a row's worth of all rows added to every component."""
    total = resp.sum(axis=1, keepdims=True)
    return resp + BORROWED * total / max(float(total.sum()), 1.0)


def least_squares(rows: Array, target: Array, resp: Array) -> Array:
    """The lines nearest to `target`, (K, p), each with a row's worth of all rows.

    Directions in which a component's rows do not differ are left alone.
    """
    mixed = with_pooled(resp)
    gram, cross = grams(rows, mixed), mixed.T @ (target[:, None] * rows)
    return np.einsum("kij,kj->ki", np.linalg.pinv(gram, rcond=1e-10, hermitian=True), cross)
