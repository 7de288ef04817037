"""`LastApart`: a share for each component, and one for what is none of them."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from .constraint import Array, Constraint, Index, LeafChart, Mask
from .simplex import Simplex


@final
class LastApart(Constraint):
    """Probabilities of interchangeable components and, last, of something that is none of them.

    A `Simplex` in all but that renumbering leaves the last one where it is.
    """

    exchangeable = (0,)

    def __init__(self) -> None:
        self.inner = Simplex()

    def n_free(self, shape: tuple[int, ...]) -> int:
        return self.inner.n_free(shape)

    def violation(self, value: Array, base: Array) -> str | None:
        return self.inner.violation(value, base)

    def chart(self, base: Array) -> LeafChart:
        return self.inner.chart(base)

    def project(self, value: Array) -> Array:
        return self.inner.project(value)

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        return self.inner.lifted(value, base, share)

    def renumbered(self, value: Array, order: NDArray[np.intp]) -> Array:
        return np.append(value[:-1][order], value[-1:])

    def told_apart(self, value: Array) -> Array:
        return value[:-1]

    def at_floor(self, value: Array) -> list[Index]:
        return self.inner.at_floor(value)

    def at_boundary(self, value: Array) -> list[Index]:
        return self.inner.at_boundary(value)
