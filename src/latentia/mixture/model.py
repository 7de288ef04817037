"""A finite mixture of any family, in the terms of the engine's contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, xlogy

from latentia.data.arrays import Rows
from latentia.engine.model import Model, Suff
from latentia.engine.space import DegenerateError, Simplex
from latentia.engine.tree import leaves, rebuild, reduce_in_order
from latentia.families.family import Family

from .labels import LabelledRows, guided

Array = NDArray[np.float64]


class MixtureParams(NamedTuple):
    """Weights (K,) and the family's parameters of all components."""

    weights: Array
    components: Any


class MixtureStats(NamedTuple):
    """Expected number of rows in each component, and the family's statistics."""

    count: Array
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

    Notes
    -----
    A chunk is `Rows`, or `LabelledRows`, of which each may be from some components alone: its
    density is the sum over these (McLachlan & Peel 2000, sec. 2.19).
    """

    def __init__(
        self,
        family: Family[Any, Any],
        n_components: int,
        guesses: Guesses,
    ) -> None:
        self.family, self.n_components = family, n_components
        self.guesses = guesses
        self.m_step_exact = family.m_step_exact

    @property
    def space(self) -> MixtureParams:
        weights = cast(Array, Simplex(exchangeable=(0,)))
        return MixtureParams(weights, self.family.space)

    def prepare(self, chunk: Any) -> Any:
        return chunk if isinstance(chunk, LabelledRows) else self.family.prepare(chunk)

    def start(
        self, sample: Rows, rng: np.random.Generator, given: MixtureParams | None = None
    ) -> MixtureParams:
        """What the likeliest first guess at the memberships makes of the sample.

        `given` holds None for what it leaves open: the weights, or fields of the components.
        """
        guesses = (guided(resp, sample) for resp in self.guesses(sample, rng))
        made = [self._made(sample, resp, given) for resp in guesses]
        if len(made) == 1:
            return made[0]
        heights = [self._height(params, sample) for params in made]
        return made[int(np.argmax(heights))]

    def _made(self, sample: Rows, resp: Array, given: MixtureParams | None) -> MixtureParams:
        weighted = resp * sample.weights[:, None]
        weights = weighted.sum(axis=0) / weighted.sum()
        made = MixtureParams(weights, self.family.start(sample.x, weighted))
        if given is None:
            return made
        filled = (a if b is None else b for a, b in zip(leaves(made), leaves(given), strict=True))
        return rebuild(made, list(filled))

    def _height(self, params: MixtureParams, sample: Rows) -> float:
        """The sample's log-likelihood after one EM step; -inf where that fails."""
        try:
            with np.errstate(all="ignore"):
                params = self.m_step(self.e_step(params, sample), params)
                height = float(sample.weights @ self.posterior(params, sample).log_density)
        except (DegenerateError, np.linalg.LinAlgError):
            return -np.inf
        return -np.inf if np.isnan(height) else height

    def posterior(self, params: MixtureParams, chunk: Rows) -> Membership:
        return membership(self._log_density(params, chunk), params.weights)

    def _log_density(self, params: MixtureParams, chunk: Any) -> Array:
        """log f(x_i | k), and no density where a row cannot be from component k."""
        made = self.family.log_density(params.components, chunk.x)
        return np.where(chunk.allowed, made, -np.inf) if isinstance(chunk, LabelledRows) else made

    def e_step(self, params: MixtureParams, chunk: Any) -> Suff:
        made = None
        if not isinstance(chunk, LabelledRows):
            made = self.family.mixture_pass(params.components, params.weights, chunk)
        if made is None:
            return self._in_blocks(chunk, lambda rows: self._suff(params, rows, 1.0))
        total = float(chunk.weights.sum())
        return Suff(made.loglik, total, total, MixtureStats(made.count, made.stats))

    def tempered_e_step(self, params: MixtureParams, chunk: Any, beta: float) -> Suff:
        """Memberships proportional to (w_k f_k)^beta (Ueda & Nakano 1998).

        The log-likelihood is what these maximise, E[log p(x, z)] + H / beta with H their
        entropy: log sum_k (w_k f_k)^beta over beta, row by row.
        """
        return self._in_blocks(chunk, lambda rows: self._suff(params, rows, beta))

    def _in_blocks(self, chunk: Any, step: Callable[[Any], Suff]) -> Suff:
        """Statistics of a chunk whose memberships are never all in memory."""
        labelled = isinstance(chunk, LabelledRows)
        rows = chunk if labelled else Rows(chunk.x, chunk.weights)  # short of what was prepared
        return reduce_in_order([step(block) for block in rows.blocks()])

    def _suff(self, params: MixtureParams, chunk: Any, beta: float) -> Suff:
        density = self._log_density(params, chunk)
        if beta != 1:
            density = beta * density
        log_density, resp = membership(density, params.weights**beta)
        log_density /= beta
        weighted = resp * chunk.weights[:, None]
        stats = MixtureStats(
            weighted.sum(axis=0), self.family.stats(params.components, chunk.x, weighted)
        )
        total = float(chunk.weights.sum())
        return Suff(float(chunk.weights @ log_density), total, total, stats)

    def m_step(self, suff: Suff, params: MixtureParams) -> MixtureParams:
        stats: MixtureStats = suff.stats
        weights = stats.count / stats.count.sum()
        return MixtureParams(weights, self.family.m_step(stats.components, params.components))

    def q(self, params: MixtureParams, suff: Suff) -> float:
        stats: MixtureStats = suff.stats
        chosen = float(np.sum(xlogy(stats.count, params.weights)))
        return chosen + self.family.q(params.components, stats.components)

    def score(self, params: MixtureParams, suff: Suff) -> MixtureParams:
        stats: MixtureStats = suff.stats
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(stats.count > 0, stats.count / params.weights, 0.0)
        return MixtureParams(slope, self.family.score(params.components, stats.components))

    def simulate(self, params: MixtureParams, chunk: Rows, rng: np.random.Generator) -> Rows:
        """As many rows as `chunk` has by weight, so that a weight counts as so many rows."""
        if isinstance(chunk, LabelledRows):
            raise TypeError(
                "rows with labels cannot be drawn anew from a mixture, which does not say what "
                "would be known of them; use another method"
            )
        total = float(chunk.weights.sum())
        n = max(round(total), 1)
        labels = rng.choice(self.n_components, size=n, p=params.weights / params.weights.sum())
        return Rows(self.family.draw(params.components, labels, rng), np.full(n, total / n))


def membership(log_density: Array, weights: Array) -> Membership:
    """Bayes' rule for the component of each row, from log f(x_i | k), shape (n, K)."""
    with np.errstate(divide="ignore"):
        joint = log_density + np.log(weights)
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
