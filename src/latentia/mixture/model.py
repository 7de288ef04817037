"""A finite mixture of any family, in the terms of the engine's contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from latentia.data.arrays import Rows, total_of
from latentia.engine.model import Model, Suff
from latentia.engine.space import DegenerateError
from latentia.engine.tree import leaves, rebuild, reduce_in_order, transform
from latentia.families.family import Family

from .groups import GroupedRows
from .labels import LabelledRows, guided
from .rearrange import rearrangements
from .weighting import Constant, Weighting

Array = NDArray[np.float64]


class MixtureParams(NamedTuple):
    """Weights (K,), or what makes them of covariates, and the family's parameters."""

    weights: Any
    components: Any


class MixtureStats(NamedTuple):
    """Expected number of rows in each component (or the weighting's), and the family's."""

    count: Any
    components: Any


class Membership(NamedTuple):
    """What is known of each row's component.

    Attributes
    ----------
    log_density : array of shape (n,)
        log p(x_i).
    resp : array of shape (n, K)
        p(component | x_i).
    """

    log_density: Array
    resp: Array


class GatedRows(NamedTuple):
    """Rows whose covariates decide the weights of the components, as the family prepared them.

    Attributes
    ----------
    x : array of shape (n, q + d)
    weights : array of shape (n,)
    z : array of shape (n, q)
        The covariates, row by row in memory.
    seen : Chunk
        What the family sees, prepared.
    """

    x: Any
    weights: Array
    z: Array
    seen: Any

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: NDArray[np.intp]) -> Self:
        return type(self)(self.x[idx], self.weights[idx], self.z[idx], self.seen.take(idx))

    def reweight(self, w: Array) -> Self:
        return type(self)(self.x, self.weights * w, self.z, self.seen.reweight(w))


Guesses = Callable[[Any, np.random.Generator], list[Array]]


@final
class MixtureModel(Model[MixtureParams, Rows]):
    """p(x) = sum_k w_k f(x | k)  (McLachlan & Peel 2000, eq. 1.1; EM: eqs. 2.17-2.19).

    Parameters
    ----------
    family : Family
        The densities f(. | k).
    n_components : int
    guesses : callable
        First guesses at the memberships of the rows of a sample, (n, K) each, for starts.
    weighting : Weighting, optional
        What the weights are; by default the same for all rows. The first columns of the rows are
        its covariates, the others the family's.

    Notes
    -----
    A chunk is `Rows`; or `LabelledRows`, of which each may be from some components alone: its
    density is the sum over these (McLachlan & Peel 2000, sec. 2.19); or `GroupedRows`, where the
    rows of a group are from one component, whose weight the group's first row decides.
    """

    def __init__(
        self,
        family: Family[Any, Any],
        n_components: int,
        guesses: Guesses,
        weighting: Weighting[Any, Any] | None = None,
    ) -> None:
        self.family, self.n_components = family, n_components
        self.guesses = guesses
        self.weighting = Constant(n_components) if weighting is None else weighting
        self.m_step_exact = family.m_step_exact and self.weighting.m_step_exact
        self.n_gauge = family.n_gauge

    @property
    def space(self) -> MixtureParams:
        return MixtureParams(self.weighting.space, self.family.space)

    def prepare(self, chunk: Any) -> Any:
        if self._fuses(chunk):
            return self.family.prepare(chunk)
        if isinstance(chunk, Rows) and self.family.gates(len(chunk), self.weighting.n_features):
            z, x = self._split(chunk)
            z = np.ascontiguousarray(z, dtype=np.float64)
            return GatedRows(chunk.x, chunk.weights, z, self.family.prepare(Rows(x, chunk.weights)))
        return chunk

    def _fuses(self, chunk: Any) -> bool:
        """Whether the family may have a pass of its own: one set of weights for all rows."""
        return not (self.weighting.n_features or isinstance(chunk, _TOLD))

    def _split(self, chunk: Any) -> tuple[Array, Array]:
        """The covariates of the units' weights, and what the family sees of their rows."""
        q, x = self.weighting.n_features, chunk.x
        z = x[:, :q]
        if isinstance(chunk, GroupedRows):
            z = chunk.firsts(z)
        return z, x[:, q:] if q else x

    def start(
        self, sample: Rows, rng: np.random.Generator, given: MixtureParams | None = None
    ) -> MixtureParams:
        """What the likeliest first guess at the memberships makes of the sample.

        `given` holds None for what it leaves open: the weights, or fields of the components.
        """
        guesses = (guided(resp, sample) for resp in self.guesses(sample, rng))
        made = [self.made_of(sample, resp, given) for resp in guesses]
        if len(made) == 1:
            return made[0]
        heights = [self.height_after_a_step(params, sample) for params in made]
        return made[int(np.argmax(heights))]

    def rearrangements(
        self, params: MixtureParams, sample: Rows, rng: np.random.Generator
    ) -> Iterator[MixtureParams]:
        """What becomes of the fit where two components are merged and a third is split.

        Of units that are groups of rows there are none.
        """
        if self.n_components < 3 or isinstance(sample, GroupedRows):
            return
        _, x = self._split(sample)
        known = self.posterior(params, sample)
        density = self.family.log_density(params.components, x)
        codes = getattr(self.guesses, "categorical", ())
        for resp in rearrangements(x, sample.weights, known.resp, density, rng, codes):
            try:
                yield self.made_of(sample, guided(resp, sample))
            except (DegenerateError, np.linalg.LinAlgError):
                continue

    def made_of(
        self, sample: Rows, resp: Array, given: MixtureParams | None = None
    ) -> MixtureParams:
        """What memberships of a sample's units make, but for what is `given`."""
        weighted, (z, x) = resp * sample.weights[:, None], self._split(sample)
        weights = self.weighting.start(z, weighted)
        made = MixtureParams(weights, self.family.start(x, _by_row(weighted, sample)))
        if given is None:
            return made
        filled = (a if b is None else b for a, b in zip(leaves(made), leaves(given), strict=True))
        return rebuild(made, list(filled))

    def height(self, params: MixtureParams, sample: Rows) -> float:
        """The sample's log-likelihood; -inf where there is none."""
        try:
            with np.errstate(all="ignore"):
                height = float(sample.weights @ self.posterior(params, sample).log_density)
        except (DegenerateError, np.linalg.LinAlgError):
            return -np.inf
        return -np.inf if np.isnan(height) else height

    def height_after_a_step(self, params: MixtureParams, sample: Rows) -> float:
        """The sample's log-likelihood after one EM step; -inf where that fails."""
        try:
            with np.errstate(all="ignore"):
                params = self.m_step(self.e_step(params, sample), params)
        except (DegenerateError, np.linalg.LinAlgError):
            return -np.inf
        return self.height(params, sample)

    def posterior(self, params: MixtureParams, chunk: Rows) -> Membership:
        return bayes(self._log_joint(params, chunk))

    def unit_logliks(self, params: MixtureParams, chunk: Any) -> Array:
        """log p of every unit, for scores of many of them at once."""
        rows: Any = chunk if isinstance(chunk, _TOLD) else Rows(chunk.x, chunk.weights)
        return np.concatenate([self.posterior(params, b).log_density for b in rows.blocks()])

    def _log_joint(self, params: MixtureParams, chunk: Any) -> Array:
        """log w_k f(x_i | k) of units, and -inf where one cannot be from component k."""
        z, x = self._split(chunk)
        return self._weighted(params, chunk, z, self.family.log_density(params.components, x))

    def _weighted(self, params: MixtureParams, chunk: Any, z: Array, made: Array) -> Array:
        """The same from log f(x_i | k) of rows, which stays as it is."""
        if isinstance(chunk, GroupedRows):
            made = chunk.summed(made)
        made = made + self.weighting.log_weights(params.weights, z)
        return np.where(chunk.allowed, made, -np.inf) if isinstance(chunk, LabelledRows) else made

    def e_step(self, params: MixtureParams, chunk: Any) -> Suff:
        made = None
        if isinstance(chunk, GatedRows):
            suff = self._gated(params, chunk)
            if suff is not None:
                return suff
        elif self._fuses(chunk):
            made = self.family.mixture_pass(params.components, params.weights, chunk)
        if made is None:
            return self._in_blocks(chunk, lambda rows: self._suff(params, rows, 1.0))
        total = total_of(chunk.weights)
        return Suff(made.loglik, total, total, MixtureStats(made.count, made.stats))

    def _gated(self, params: MixtureParams, chunk: GatedRows) -> Suff | None:
        """The family's own pass where covariates decide the weights; None where it fails."""
        gate = self.weighting.gate(params.weights)
        made = self.family.gated_pass(params.components, gate, chunk.z, chunk.seen)
        if made is None:
            return None
        stats = MixtureStats(self.weighting.gathered(params.weights, made.gate), made.stats)
        return Suff(made.loglik, made.gate.count, made.gate.count, stats)

    def tempered_e_step(self, params: MixtureParams, chunk: Any, beta: float) -> Suff:
        """Memberships proportional to (w_k f_k)^beta (Ueda & Nakano 1998).

        The log-likelihood is what these maximise, E[log p(x, z)] + H / beta with H their
        entropy: log sum_k (w_k f_k)^beta over beta, row by row.
        """
        return self._in_blocks(chunk, lambda rows: self._suff(params, rows, beta))

    def _in_blocks(self, chunk: Any, step: Callable[[Any], Suff]) -> Suff:
        """Statistics of a chunk whose memberships are never all in memory."""
        rows = (
            chunk if isinstance(chunk, _TOLD) else Rows(chunk.x, chunk.weights)
        )  # short of what was prepared
        return reduce_in_order([step(block) for block in rows.blocks()])

    def _suff(self, params: MixtureParams, chunk: Any, beta: float) -> Suff:
        z, x = self._split(chunk)
        made, stats_of = self.family.at(params.components, x)
        joint = self._weighted(params, chunk, z, made)
        if beta != 1:
            joint *= beta
        log_density, resp = bayes(joint)
        log_density /= beta
        weighted = resp * chunk.weights[:, None]
        stats = MixtureStats(
            self.weighting.stats(params.weights, z, weighted), stats_of(_by_row(weighted, chunk))
        )
        total = n_rows = float(chunk.weights.sum())
        if isinstance(chunk, GroupedRows):
            n_rows = float(chunk.weights @ chunk.sizes)
        return Suff(float(chunk.weights @ log_density), total, n_rows, stats)

    def m_step(self, suff: Suff, params: MixtureParams) -> MixtureParams:
        stats: MixtureStats = suff.stats
        weights = self.weighting.m_step(stats.count, params.weights)
        return MixtureParams(weights, self.family.m_step(stats.components, params.components))

    def q(self, params: MixtureParams, suff: Suff) -> float:
        stats: MixtureStats = suff.stats
        chosen = self.weighting.q(params.weights, stats.count)
        return chosen + self.family.q(params.components, stats.components)

    def score(self, params: MixtureParams, suff: Suff) -> MixtureParams:
        stats: MixtureStats = suff.stats
        slope = self.weighting.score(params.weights, stats.count)
        return MixtureParams(slope, self.family.score(params.components, stats.components))

    @property
    def has_prior(self) -> bool:
        return self.family.has_prior

    def log_prior(self, params: MixtureParams) -> float:
        return self.family.log_prior(params.components)

    def prior_score(self, params: MixtureParams) -> MixtureParams | None:
        slope = self.family.prior_score(params.components)
        if slope is None:
            return None
        return MixtureParams(transform(np.zeros_like, params.weights), slope)

    def simulate(self, params: MixtureParams, chunk: Any, rng: np.random.Generator) -> Any:
        """As many units as `chunk` has by weight, so that a weight counts as so many units."""
        if isinstance(chunk, LabelledRows):
            raise TypeError(
                "rows with labels cannot be drawn anew from a mixture, which does not say what "
                "would be known of them; use another method"
            )
        total = float(chunk.weights.sum())
        n = max(round(total), 1)
        shown = chunk
        if (chunk.weights != 1).any():
            shown = chunk.take(rng.choice(len(chunk), size=n, p=chunk.weights / total))
        z, x = self._split(shown)
        labels = drawn(np.exp(self.weighting.log_weights(params.weights, z)), n, rng)
        new = self.family.redraw(params.components, x, _by_row(labels, shown), rng)
        given = shown.x[:, : self.weighting.n_features]
        new = np.column_stack([given, new]) if given.shape[1] else new
        weights = np.full(n, total / n)
        if isinstance(shown, GroupedRows):
            return GroupedRows(new, weights, shown.sizes)
        return Rows(new, weights)


_TOLD = (LabelledRows, GroupedRows)
"""Chunks that say more of their rows than a weight each."""


def _by_row(known: NDArray[Any], chunk: Any) -> NDArray[Any]:
    """What is known of each unit, for each row."""
    return chunk.spread(known) if isinstance(chunk, GroupedRows) else known


def drawn(weights: Array, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """A component for each of n rows, given its weights, (K,) or (n, K)."""
    ends = np.cumsum(weights, axis=-1)
    at = rng.uniform(size=(n, 1)) * ends[..., -1:]
    return np.asarray((at >= ends[..., :-1]).sum(axis=1), dtype=np.intp)


def membership(log_density: Array, weights: Array) -> Membership:
    """Bayes' rule for the component of each row, from log f(x_i | k), shape (n, K)."""
    with np.errstate(divide="ignore"):
        return bayes(log_density + np.log(weights))


def bayes(joint: Array) -> Membership:
    """The same from log w_k f(x_i | k), (n, K), which is overwritten."""
    top = joint.max(axis=1)  # so that nothing overflows and the largest does not vanish
    top = np.where(np.isfinite(top), top, 0.0)
    joint -= top[:, None]
    resp = np.exp(joint, out=joint)
    total = resp.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        resp /= total[:, None]
        return Membership(top + np.log(total), resp)


def entropy(resp: Array, weights: Array) -> float:
    """Weighted entropy of the memberships in nats, 0 where every row is sure."""
    return float(weights @ entr(resp).sum(axis=1))
