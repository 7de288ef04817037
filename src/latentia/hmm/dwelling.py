"""How long a Markov chain stays in a state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class DwellTimes(NamedTuple):
    """The number of steps in a row that a chain stays in each state: geometric.

    Attributes
    ----------
    stays : array of shape (K,)
        P(the same state at the next step).
    """

    stays: Array

    @property
    def mean(self) -> Array:
        """Expected steps in a row, (K,); infinite of a state that is never left.

        Examples
        --------
        >>> import numpy as np
        >>> DwellTimes(np.array([0.5, 0.75])).mean
        array([2., 4.])
        """
        with np.errstate(divide="ignore"):
            return 1 / (1 - self.stays)

    def pmf(self, steps: ArrayLike) -> Array:
        """P(exactly so many steps in a row), shape (K, g) for steps of shape (g,)."""
        at = np.atleast_1d(np.asarray(steps, dtype=np.float64)).ravel()
        possible = (at >= 1) & (at == np.floor(at))
        stays = self.stays[:, None]
        made = stays ** (np.where(possible, at, 1.0) - 1) * (1 - stays)
        return np.where(possible, made, 0.0)

    def quantile(self, p: ArrayLike) -> Array:
        """The fewest steps that a stay does not exceed with probability p, (K, q)."""
        asked = np.atleast_1d(np.asarray(p, dtype=np.float64)).ravel()
        if not ((asked > 0) & (asked < 1)).all():
            raise ValueError(f"got probabilities {p!r}, expected such between 0 and 1")
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.ceil(np.log1p(-asked) / np.log(self.stays)[:, None] * (1 - 1e-14))
        return np.maximum(np.where(self.stays[:, None] >= 1, np.inf, steps), 1.0)


class Runs(NamedTuple):
    """Stretches of one state in some decoded sequences.

    Attributes
    ----------
    states, lengths : arrays of int, shape (r,)
    whole : array of bool, shape (r,)
        False of those at the beginning or the end of a sequence, of which a part may be unseen.
    """

    states: NDArray[np.int64]
    lengths: NDArray[np.int64]
    whole: NDArray[np.bool_]


def runs(states: NDArray[np.int64], sizes: NDArray[np.intp]) -> Runs:
    """The stretches in which sequences of states stay the same.

    Examples
    --------
    >>> import numpy as np
    >>> runs(np.array([0, 0, 1, 0, 1, 1]), np.array([4, 2])).lengths
    array([2, 1, 1, 2])
    """
    ends = np.cumsum(sizes)
    new = np.ones(len(states), dtype=np.bool_)
    new[1:] = states[1:] != states[:-1]
    new[(ends - sizes)] = True
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(states))
    whole = ~np.isin(first, ends - sizes) & ~np.isin(last, ends)
    return Runs(states[first], last - first, whole)
