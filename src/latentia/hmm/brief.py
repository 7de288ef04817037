"""Many first guesses at a chain that climb together, briefly; the highest of them is a start.

Where steps are few, an E-step takes millionths of a second and everything around it takes longer.
S guesses at K states are therefore one family of K · S components, whose densities and statistics
are those of one pass, and the chains go side by side (`brief_kernels`). These are the short runs of
Biernacki, Celeux & Govaert (2003), with chains for mixtures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, tree
from latentia.engine.evaluator import FAILURES
from latentia.engine.space import DegenerateError, Simplex
from latentia.estimator import altered
from latentia.families.binomial import Binomial
from latentia.families.categorical import Categorical
from latentia.families.covariance import STRUCTURES
from latentia.families.exponential import Exponential
from latentia.families.family import Family
from latentia.families.gaussian import Gaussian
from latentia.families.multinomial import Multinomial
from latentia.families.poisson import Poisson
from latentia.families.product import Product
from latentia.mixture.start import number

from . import brief_kernels
from .chains import FreeStart
from .emissions import Emissions
from .held import Held
from .start import counted

if TYPE_CHECKING:
    from .model import HiddenMarkovModel
    from .seen import SeenSequences

Array = NDArray[np.float64]

STARTS = 4
"""Starts among which guesses are shared out: each climbs on from the best of its own."""

FEWEST = 8
"""Guesses from which on sharing them out is worth it."""

STEPS = (15, 60)
"""EM steps of the short runs, and those more that the better of them take."""

KEPT = 1 / 5
"""The share of the short runs that go on."""

MORE = 2
"""Guesses for each start that a fit would have made of one guess each."""

LEAST = 1e-8
"""Starts and transitions imagined beside those counted."""

APART = (Poisson, Binomial, Categorical, Multinomial, Exponential)
"""Families whose components have nothing in common: each one's M-step is of its own statistics."""

OWN = ("full", "diag", "spherical")
"""Covariances of which that is true."""


class Brief(NamedTuple):
    """How a start is found.

    Attributes
    ----------
    tries : int
        Guesses that climb together.
    family : callable
        The model's family for a number of components, as it is without `Held`.
    least : float
        What the start adds to variances.
    """

    tries: int
    family: Callable[[int], Family[Any, Any]]
    least: float

    def wide(self, n_components: int) -> Family[Any, Any]:
        """The family of so many components."""
        family = self.family(n_components)
        return Held(family, (), self.least) if self.least else family


def shared_out(
    em: EM, model: HiddenMarkovModel, family: Callable[[int], Family[Any, Any]]
) -> tuple[EM, HiddenMarkovModel]:
    """The same fit with fewer starts, each the best of many guesses; as it was where that fails.

    Parameters
    ----------
    em : EM
        Whose `starts` is how many guesses there are to be.
    model : HiddenMarkovModel
    family : callable
        The model's family, for a number of components, as it is without `Held`.
    """
    tries = -(-MORE * em.starts // STARTS)
    if em.starts < FEWEST or model.prior is not None or not (_is_free(model) and _is_apart(model)):
        return em, model
    return altered(em, {"starts": STARTS}), model.with_brief(
        Brief(tries, family, getattr(model.family, "least", 0.0))
    )


def _is_free(model: HiddenMarkovModel) -> bool:
    """Whether start and transitions are what was counted."""
    chain = model.chain
    return (
        isinstance(chain, FreeStart)
        and chain.values is None
        and all(isinstance(each, Simplex) and each.support is None for each in chain.space)
    )


def _is_apart(model: HiddenMarkovModel) -> bool:
    """Whether the M-step of each state is one by itself."""
    family: Any = model.family
    if isinstance(family, Held):
        if family.fields or family.steps is not None:
            return False
        family = family.inner
    parts = family.parts if isinstance(family, Product) else (family,)
    return all(_each_apart(part) for part in parts)


def _each_apart(family: Any) -> bool:
    if isinstance(family, Gaussian):
        return any(family.covariance is STRUCTURES[name] for name in OWN)
    return isinstance(family, APART)


def best(
    model: HiddenMarkovModel, brief: Brief, chunk: SeenSequences, rng: np.random.Generator
) -> tuple[Array, Array, Any] | None:
    """Start, transitions and emissions where the highest of the short runs ends.

    None where all of them fail.

    Parameters
    ----------
    model : HiddenMarkovModel
    brief : Brief
    chunk : SeenSequences
    rng : numpy.random.Generator
    """
    runs = _Runs(model, brief, chunk, rng)
    try:
        with np.errstate(all="ignore"):
            return runs.climbed()
    except FAILURES:
        return None


class _Place(NamedTuple):
    """Where S chains stand.

    Attributes
    ----------
    start, transitions : arrays of shape (K, S) and (K, K, S)
    made : tree
        Parameters of the family of K · S components, those of a state's chains side by side.
    """

    start: Array
    transitions: Array
    made: Any


@final
class _Runs:
    """The short runs of one start."""

    def __init__(
        self,
        model: HiddenMarkovModel,
        brief: Brief,
        chunk: SeenSequences,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.chunk, self.wide = model, chunk, brief.wide
        self.k = model.n_states
        own = 0 if number(rng) in (0, None) else 1  # what the first guess does is done once
        self.children = rng.spawn(brief.tries + own)[own:]

    def climbed(self) -> tuple[Array, Array, Any] | None:
        """Start, transitions and emissions of the highest, the most frequent state first."""
        place, count = self._begun(), np.empty((self.k, 1))
        for steps, share in zip(STEPS, (KEPT, 0.0), strict=True):
            place, heights, count = self._stepped(place, steps)
            well = int(np.isfinite(heights).sum())
            if not well:
                return None
            kept = np.argsort(-heights, kind="stable")[
                : min(max(int(share * len(heights)), 1), well)
            ]
            place, count = self._taken(place, kept), count[:, kept]
        return self._one(place, 0, np.argsort(-count[:, 0], kind="stable"))

    def _stepped(self, place: _Place, steps: int) -> tuple[_Place, Array, Array]:
        """Where EM steps lead, the log-likelihoods there, and expected numbers of steps, (K, S).

        Of chains that are given up the former are -inf.
        """
        chunk = self.chunk
        shape = (len(chunk.x), *place.start.shape)
        wide = self.wide(shape[1] * shape[2])
        offsets = np.concatenate([[0], np.cumsum(chunk.sizes)]).astype(np.intp)
        weights = np.ascontiguousarray(chunk.weights, dtype=np.float64)
        begun, pairs = np.empty(shape[1:]), np.empty((self.k, *shape[1:]))
        heights, ended = np.empty(shape[2]), np.zeros(shape[2], dtype=np.bool_)
        for left in range(steps, -1, -1):
            try:
                emitting = Emissions(wide, place.made, chunk.complete)
                log_density = emitting.of_steps(chunk)
            except FAILURES:
                place = self._mended(place, ended)
                emitting = Emissions(wide, place.made, chunk.complete)
                log_density = emitting.of_steps(chunk)
            density = np.array(log_density, dtype=np.float64, order="C").reshape(shape)
            brief_kernels.smooth(
                density, place.start, place.transitions, offsets, weights, heights, begun, pairs
            )
            ended |= ~np.isfinite(heights)
            density[:, :, ended] = 0.0
            if left:
                resp = density.reshape(len(density), -1)
                made = wide.m_step(emitting.counted(chunk, resp), place.made)
                place = _Place(_shares(begun, 0), _shares(pairs, 1), made)
        count = density.sum(axis=0)
        few = count.min(axis=0) < self._fewest()
        heights[ended] = -np.inf
        ranked = np.where(few, -np.inf, heights)
        return place, ranked if np.isfinite(ranked).any() else heights, count

    def _fewest(self) -> int:
        """Steps that a state is to have, lest its likelihood has no bound."""
        inner: Any = getattr(self.model.family, "inner", self.model.family)
        parts = inner.parts if isinstance(inner, Product) else (inner,)
        return max(p.n_features + 1 if isinstance(p, Gaussian) else 0 for p in parts)

    def _begun(self) -> _Place:
        """What the guesses make of the steps."""
        chunk, k = self.chunk, self.k
        paths, others = [], []
        for child in self.children:
            path = self.model.guesses.path(chunk, child)
            (others if path is None else paths).append(child if path is None else path)
        kept = slice(None) if chunk.seen is None else chunk.seen
        w = np.repeat(chunk.weights, chunk.sizes)
        made, likely = [], []
        if paths:
            along = np.stack(paths, axis=2)
            resp = (along * w[:, None, None])[kept].reshape(-1, k * len(paths))
            made.append((self.wide(k * len(paths)).start(chunk.x[kept], resp), len(paths)))
            likely.append(along)
        if others:
            rows = RowSource(Rows(chunk.x[kept], w[kept])).sample(others[0])
            guessed = [resp for child in others for resp in self.model.guesses(rows, child)]
            resp = np.stack(guessed, axis=2) * rows.weights[:, None, None]
            wide = self.wide(k * len(guessed))
            start = wide.start(rows.x, resp.reshape(len(resp), -1))
            share = resp.sum(axis=0) + 1.0
            share = share / share.sum(axis=0)
            joint = Emissions(wide, start, chunk.complete).of_steps(chunk)
            joint = joint.reshape(len(chunk.x), k, -1) + np.log(share)
            joint = np.exp(joint - joint.max(axis=1, keepdims=True))
            made.append((start, len(guessed)))
            likely.append(joint / joint.sum(axis=1, keepdims=True))
        moves = [self._moves(each) for each in np.moveaxis(np.concatenate(likely, axis=2), 2, 0)]
        return _Place(
            np.stack([each.start for each in moves], axis=-1),
            np.stack([each.transitions for each in moves], axis=-1),
            _joined(made, k),
        )

    def _moves(self, likely: Array) -> Any:
        share = likely.sum(axis=0) + 1.0
        return self.model.chain.started(counted(likely, self.chunk, share / share.sum()))

    def _one(
        self, place: _Place, s: int, order: NDArray[np.intp] | slice = slice(None)
    ) -> tuple[Array, Array, Any]:
        """What chain s is, its states in some order."""
        n = place.start.shape[1]

        def own(leaf: Any) -> Array:
            return np.ascontiguousarray(leaf.reshape(self.k, n, *leaf.shape[1:])[order, s])

        moves = place.transitions[order, :, s][:, order]
        return (
            np.ascontiguousarray(place.start[order, s]),
            np.ascontiguousarray(moves),
            tree.transform(own, place.made),
        )

    def _mended(self, place: _Place, ended: NDArray[np.bool_]) -> _Place:
        """With another chain in place of each whose states have collapsed, which has `ended`."""
        x = self.chunk.x[:1] if self.chunk.seen is None else self.chunk.x[self.chunk.seen[:1]]
        for s in range(len(ended)):
            try:
                made = self._one(place, s)[2]
                Emissions(self.model.family, made, self.chunk.complete).log_density(x)
            except FAILURES:
                ended[s] = True
        if ended.all():
            raise DegenerateError("all short runs collapsed")
        well = int(np.flatnonzero(~ended)[0])
        return self._taken(place, np.where(ended, well, np.arange(len(ended))))

    def _taken(self, place: _Place, which: NDArray[np.intp]) -> _Place:
        """Some of the chains, in this order."""
        n = place.start.shape[1]

        def taken(leaf: Any) -> Array:
            each = leaf.reshape(self.k, n, *leaf.shape[1:])[:, which]
            return each.reshape(-1, *leaf.shape[1:])

        return _Place(
            np.ascontiguousarray(place.start[:, which]),
            np.ascontiguousarray(place.transitions[:, :, which]),
            tree.transform(taken, place.made),
        )


def _shares(counts: Array, axis: int) -> Array:
    """Counts as probabilities; what rounding made zero may come back."""
    counts = counts + LEAST
    return counts / counts.sum(axis=axis, keepdims=True)


def _joined(made: list[tuple[Any, int]], k: int) -> Any:
    """Parameters of several families of K times some components, states first."""

    def joined(*leaves: Any) -> Array:
        blocks = [
            np.reshape(leaf, (k, n, *np.shape(leaf)[1:]))
            for leaf, (_, n) in zip(leaves, made, strict=True)
        ]
        whole = np.concatenate(blocks, axis=1)
        return whole.reshape(-1, *whole.shape[2:])

    return tree.transform(joined, *(start for start, _ in made))
