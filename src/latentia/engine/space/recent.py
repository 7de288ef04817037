"""What was worked out of an array a moment ago.

A step asks for the factors of the same covariances in several places: where the chart packs them,
where densities are computed, where a floor is looked after. None of them has to know the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast, final

import numpy as np
from scipy.linalg import lapack

from .constraint import Array

T = TypeVar("T")
_lapack: Any = lapack

PLACES = 8
"""Values that are kept: those of the last few points of a climb, or of several side by side."""

LARGEST = 2**19
"""Bytes of an argument, at most; larger ones cost so much that asking twice is no matter."""


@final
class Recent(Generic[T]):
    """A function of one array that keeps its last few values.

    What is kept is found by the bits of the argument, so that an array that was written to in
    place is another one, and equal arrays need not be the same object.

    Parameters
    ----------
    function : callable
        function(array) -> array, or a tuple of arrays. What it raises is raised each time. Its
        values are shared, and so cannot be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.engine.space.recent import Recent
    >>> doubled = Recent(lambda a: 2 * a)
    >>> doubled(np.ones(2)) is doubled(np.ones(2))
    True
    """

    def __init__(self, function: Callable[[Array], T]) -> None:
        self.function = function
        self._kept: tuple[tuple[Any, bytes, T], ...] = ()

    def __call__(self, value: Array) -> T:
        if value.nbytes > LARGEST:
            return self.function(value)
        shape, bits = value.shape, value.tobytes()
        kept = self._kept  # one tuple, put in place at once: threads need no lock
        for known, seen, made in kept:
            if seen == bits and known == shape:
                return made
        made = self.function(value)
        _freeze(made)
        self._kept = ((shape, bits, made), *kept[: PLACES - 1])
        return made


def _freeze(made: Any) -> None:
    for array in cast("tuple[Any, ...]", made if isinstance(made, tuple) else (made,)):
        array.flags.writeable = False


def _lower(value: Array) -> Array:
    return np.asarray(np.linalg.cholesky(value), dtype=np.float64)


lower = Recent(_lower)
"""Lower Cholesky factors of matrices, (..., d, d); LinAlgError where one is not definite."""


def inverses(factors: Array) -> Array:
    """The inverses of lower triangular matrices, (..., d, d)."""
    d = factors.shape[-1]
    made = [_lapack.dtrtri(each, lower=1)[0] for each in factors.reshape(-1, d, d)]
    return np.array(made, dtype=np.float64).reshape(factors.shape)


inverse_lower = Recent(lambda value: inverses(lower(value)))
"""The inverses of these factors."""
