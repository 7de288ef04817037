"""Where a hidden Markov model starts: several kinds of first guesses, and how many of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.mixture.start import nearest, number, whiten
from latentia.mixture.start_general import GeneralGuesses, features

from .chains import Moves

Array = NDArray[np.float64]

METHODS = ("kmeans", "random", "random_from_data")
"""Kinds of guesses at single steps."""

TURNS = ("random_from_data", "walk", "random", "blocks")
"""What further starts are, in turns: of single steps, or of paths."""

MOST = 20
"""Starts for each state, at most, where nothing is said."""

WORK = 4_000_000
"""Steps times pairs of states that the starts of one fit look at in an E-step, where not said."""


def starts_for(n_steps: int, n_states: int, n_densities: int | None = None) -> int:
    """How many starts a fit makes if it is not told: many where they cost little.

    Likelihoods of hidden Markov models have many maxima, and most starts of four states or more
    miss the highest one. A start of states that are mixtures costs as much as one of as many states
    as there are densities.

    Examples
    --------
    >>> starts_for(107, 3), starts_for(200_000, 3), starts_for(5000, 1)
    (60, 2, 1)
    """
    many = n_states if n_densities is None else n_densities
    return 1 if many == 1 else int(np.clip(WORK // (n_steps * many**2), 1, MOST * n_states))


def counted(likely: Array, chunk: Any, share: Array) -> Moves:
    """Starts and transitions between what is likely at each step.

    One transition from each state, and one start, are imagined beside those counted.

    Parameters
    ----------
    likely : array of shape (n, K)
        What each step is likely in.
    chunk : SeenSequences
    share : array of shape (K,)
        How often each state is, by which those imagined are spread.
    """
    w = np.repeat(chunk.weights, chunk.sizes)[:, None]
    first = np.cumsum(chunk.sizes) - chunk.sizes
    before = likely[:-1] * w[:-1]
    before[first[1:] - 1] = 0.0  # a sequence's last step has no step behind it
    pairs = before.T @ likely[1:] + share
    begun = (likely[first] * chunk.weights[:, None]).sum(axis=0) + share
    return Moves(begun, pairs / pairs.sum(axis=1)[:, None])


class StateGuesses(NamedTuple):
    """First guesses at the states of a sample's steps.

    The first start guesses by `method`, the others take `TURNS`: rows nearest to some that are
    drawn, and memberships at random, as in mixtures; a path drawn at random, whose states last;
    and the nearest of some stretches of time, which tells states that overlap from one another.

    Attributes
    ----------
    n_states : int
    method : str
        One of `METHODS`: that of the first start.
    categorical : tuple of int
        Columns that hold codes.
    """

    n_states: int
    method: str
    categorical: tuple[int, ...] = ()

    def turn(self, rng: np.random.Generator) -> str:
        """What this start is."""
        i = number(rng) or 0
        return TURNS[(i - 1) % len(TURNS)] if i else self.method

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        """Memberships of single rows, (n, K) each."""
        method = self.turn(rng)
        return GeneralGuesses(self.n_states, method, self.categorical)(sample, rng)

    def path(self, chunk: Any, rng: np.random.Generator) -> Array | None:
        """The states of all steps, (n, K); None where this start looks at steps alone."""
        method = self.turn(rng)
        if method not in ("walk", "blocks") or len(chunk.x) < 2 * self.n_states:
            return None
        longest = max(len(chunk.x) / self.n_states, 3.0)
        length = float(np.exp(rng.uniform(np.log(2.0), np.log(longest))))
        if method == "walk":
            return np.eye(self.n_states)[walk(chunk.sizes, self.n_states, length, rng)]
        w = np.repeat(chunk.weights, chunk.sizes)
        seen = features(chunk.x, w, self.categorical)
        place = stretches(chunk.sizes, max(round(length), 2))
        of = np.bincount(place, minlength=place[-1] + 1)
        each = np.hstack([seen, seen**2])
        mean = np.stack([np.bincount(place, column) for column in each.T], axis=1) / of[:, None]
        mass = np.bincount(place, w).astype(np.float64)
        if len(mean) < self.n_states:
            return None
        white = whiten(Rows(mean, mass))
        drawn = rng.choice(len(mean), self.n_states, replace=False, p=mass / mass.sum())
        return nearest(white, white[drawn])[place]


def walk(
    sizes: NDArray[np.intp], n_states: int, length: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    """A path at random that stays in a state for `length` steps on average."""
    n = int(sizes.sum())
    anew = rng.uniform(size=n) < 1 / length
    anew[np.cumsum(sizes) - sizes] = True
    drawn = rng.integers(n_states, size=n)
    return np.asarray(drawn[np.maximum.accumulate(np.where(anew, np.arange(n), 0))], dtype=np.intp)


def stretches(sizes: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """The number of the stretch of `length` steps that each step is in; none spans sequences."""
    inside = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(np.cumsum(inside % length == 0) - 1, dtype=np.intp)
