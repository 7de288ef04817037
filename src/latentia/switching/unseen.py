"""Autoregressions of series in which values are missing: these are integrated out, exactly.

A missing value bears on its own step and, as a lag, on those that follow. Given the states of these
steps it is normal, and so are several of them together; once p values in a row are known again,
what was missing says no more. So the steps from a missing value to there are one block, over whose
paths of states is summed one by one, and series are chains of steps and blocks (Hamilton 1994,
ch. 22, with the missing values of ch. 13.3). That is exact, and costs K^(length of the block).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.hmm.chain import Smoothed

from . import recursions

if TYPE_CHECKING:
    from .lagged import LaggedModel, LaggedParams

Array = NDArray[np.float64]

PATHS = 2**14
"""Paths of states through a block that are summed over, at most."""

ROOM = 2**26
"""Numbers that the moves between tuples of all steps of a series may take, at most."""


class Completed(NamedTuple):
    """What the values that are known say of a series in which others are missing.

    Attributes
    ----------
    smoothed : Smoothed
        Of the tuples of states, as without holes.
    cross : array of shape (G, p + 2, p + 2)
        Expected cross products of the rows that are not wholly known, in the series' unit.
    hidden : float
        The expected entropy of the missing values given the states, in nats.
    """

    smoothed: Smoothed
    cross: Array
    hidden: float


class Block(NamedTuple):
    """Steps `first` to `last` of a series, counted in rows, and paths through them.

    Attributes
    ----------
    ids : array of int, shape (L, N)
        The tuple of each step on each path.
    before : array of int, shape (N,), or None
        The tuple of the step before; None where the series begins with the block.
    log_weight : array of shape (N,)
        log p(path, values that are known | the step before).
    mean, spread : arrays of shapes (N, g) and (N, g, g)
        Of the missing values, on each path.
    entropy : array of shape (N,)
    fixed, placed : arrays of shapes (L, p + 2) and (L, p + 2, g)
        A row is fixed + placed @ the missing values.
    """

    first: int
    last: int
    ids: NDArray[np.intp]
    before: NDArray[np.intp] | None
    log_weight: Array
    mean: Array
    spread: Array
    entropy: Array
    fixed: Array
    placed: Array


def spans(x: Array) -> list[tuple[int, int]]:
    """First and last rows of the blocks of a series.

    Examples
    --------
    >>> import numpy as np
    >>> nan = np.nan
    >>> spans(np.array([[1, 2], [nan, 1], [3, nan], [2, 3], [nan, 2], [nan, nan]]))
    [(1, 2), (4, 5)]
    """
    found: list[tuple[int, int]] = []
    for t in np.flatnonzero(np.isnan(x).any(axis=1)):
        goes_on = np.isnan(x[t, 1:]).any()
        if goes_on and found and found[-1][1] == t - 1:
            found[-1] = found[-1][0], int(t)
        else:
            found.append((int(t), int(t)))
    return found


def require_summable(n_states: int, steps: int, x: Array, sizes: NDArray[np.intp]) -> None:
    """Refuse series whose missing values cannot be integrated out.

    Parameters
    ----------
    n_states, steps : int
        States, and how many of them a step depends on.
    x : array of shape (n, p + 1)
        Rows of all series.
    sizes : array of int, shape (m,)

    Raises
    ------
    ValueError
        If a first lag is missing, or the paths through a block are too many.
    """
    order = x.shape[1] - 1
    for s, (end, size) in enumerate(zip(np.cumsum(sizes), sizes, strict=True)):
        rows = x[end - size : end]
        if not np.isnan(rows).any():
            continue
        if np.isnan(rows[0, 1:]).any():
            raise ValueError(
                f"got a missing value among the first {order} of series {s}, expected these to be "
                "known, for all that follows is given them; leave out the steps up to it"
            )
        for first, last in spans(rows):
            paths = n_states ** (last - first + steps + (first > 0))
            if paths > PATHS:
                raise ValueError(
                    f"got values missing at step {first + order} of series {s} that bear on "
                    f"{last - first + 1} steps, through which {paths} paths of states lead, "
                    f"expected {PATHS} at most; cut the series there by lengths, or use fewer "
                    "states or lags"
                )
        if len(rows) * n_states ** (2 * steps) > ROOM:
            raise ValueError(
                f"got missing values in series {s} of {len(rows)} steps, which depend on "
                f"{n_states**steps} tuples of states, too many to keep all of their moves; cut the "
                "series by lengths, or use fewer states or lags, or form='intercept'"
            )


@lru_cache(maxsize=32)
def _grid(n_states: int, steps: int) -> NDArray[np.intp]:
    """All paths of so many states, the latest first, (N, steps)."""
    return np.indices((n_states,) * steps).reshape(steps, -1).T


def _blocks(model: LaggedModel, params: LaggedParams, x: Array) -> Iterator[Block]:
    series, k, steps = model.series, model.n_states, model.steps
    start, moves = model.law(params)
    with np.errstate(divide="ignore"):
        log_start, log_move = np.log(start), np.log(moves)
    inside = series._inside(params.series)
    weights, unit = series._weights(*inside), series.unit
    variances = params.series.variances[series.noise] / unit**2
    powers = k ** np.arange(steps - 1, -1, -1)
    for first, last in spans(x):
        n = last - first + 1
        path = _grid(k, n + steps - (first == 0))
        ids = np.stack([path[:, i : i + steps] @ powers for i in range(n - 1, -1, -1)])
        before = None if first == 0 else path[:, n : n + steps] @ powers
        log_weight = log_start[ids[0]] if before is None else log_move[before, ids[0]]
        for i in range(1, n):
            log_weight = log_weight + log_move[ids[i - 1], ids[i]]
        rows = series._framed(x[first : last + 1])
        gone = first + np.flatnonzero(np.isnan(x[first : last + 1, 0]))
        placed = np.zeros((n, x.shape[1] + 1, len(gone)))
        for i in range(n):
            for c in np.flatnonzero(np.isnan(rows[i])):
                placed[i, c, np.searchsorted(gone, first + i - c)] = 1.0
        fixed = np.nan_to_num(rows, nan=0.0)
        own = weights[ids]  # (L, N, p + 2)
        off = np.einsum("lnc,lc->nl", own, fixed)
        by = np.einsum("lnc,lcg->nlg", own, placed)
        precision = 1 / variances[ids].T
        bend = np.einsum("nlg,nl,nlh->ngh", by, precision, by)
        pull = np.einsum("nlg,nl,nl->ng", by, precision, off)
        spread = np.linalg.inv(bend)
        mean = -np.einsum("ngh,nh->ng", spread, pull)
        squares = np.einsum("nl,nl->n", precision, (off + np.einsum("nlg,ng->nl", by, mean)) ** 2)
        log_bend = np.linalg.slogdet(bend)[1]
        known = n - len(gone)
        log_weight = log_weight - 0.5 * (
            known * np.log(2 * np.pi) - np.log(precision).sum(axis=1) + squares + log_bend
        )
        log_weight = log_weight - known * np.log(unit)
        entropy = 0.5 * (len(gone) * (1 + np.log(2 * np.pi)) - log_bend) + len(gone) * np.log(unit)
        yield Block(first, last, ids, before, log_weight, mean, spread, entropy, fixed, placed)


class _Chain(NamedTuple):
    """Steps and blocks of a series as the steps of one chain, in logarithms.

    `rows` says at which row each ends; `blocks` which of them are blocks.
    """

    rows: NDArray[np.intp]
    blocks: dict[int, Block]
    density: Array
    start: Array
    moves: Array


def _chained(model: LaggedModel, params: LaggedParams, x: Array, together: Any) -> _Chain:
    """The chain; `together` joins paths that begin and end alike: a sum, or the largest."""
    blocks = list(_blocks(model, params, x))
    start, moves = model.law(params)
    within = np.zeros(len(x), dtype=np.bool_)
    for block in blocks:
        within[block.first : block.last] = True
    rows = np.flatnonzero(~within)
    at = {int(np.searchsorted(rows, block.last)): block for block in blocks}
    whole = ~np.isnan(x[rows]).any(axis=1)
    n_tuples = len(start)
    density = np.zeros((len(rows), n_tuples))
    density[whole] = model.series.log_density(params.series, x[rows[whole]])
    with np.errstate(divide="ignore"):
        log_start, log_move = np.log(start), np.log(moves)
    every = np.repeat(log_move[None], len(rows), axis=0)
    for i, block in at.items():
        if block.before is None:
            log_start = np.full(n_tuples, -np.inf)
            together(log_start, block.ids[-1], block.log_weight)
        else:
            made = np.full(n_tuples**2, -np.inf)
            together(made, block.before * n_tuples + block.ids[-1], block.log_weight)
            every[i - 1] = made.reshape(n_tuples, n_tuples)
    return _Chain(rows, at, density, log_start[None], every)


def smoothed(model: LaggedModel, params: LaggedParams, x: Array, weight: float) -> Completed:
    """Forward-backward over the steps and blocks of one series, of rows x (n, p + 1)."""
    chain = _chained(model, params, x, np.logaddexp.at)
    size = np.array([len(chain.rows)])
    told = recursions.smoothed(chain.density, chain.start, chain.moves, size, np.array([weight]))
    n_tuples, width = chain.density.shape[1], x.shape[1] + 1
    resp, cross = np.zeros((len(x), n_tuples)), np.zeros((n_tuples, width, width))
    resp[chain.rows], hidden = told.resp, 0.0
    begun, pairs = told.resp[0], told.moves.sum(axis=0)
    if not np.isfinite(told.loglik[0]):
        return Completed(Smoothed(told.loglik, resp, begun, pairs), cross, hidden)
    for i, block in chain.blocks.items():
        if block.before is None:
            ends, total = told.resp[0], chain.start[0]
            share = ends[block.ids[-1]] * _over(block.log_weight, total[block.ids[-1]])
            begun = np.bincount(block.ids[0], share, minlength=n_tuples).astype(np.float64)
        else:
            key = block.before, block.ids[-1]
            share = told.moves[i - 1][key] * _over(block.log_weight, chain.moves[i - 1][key])
            pairs = pairs - told.moves[i - 1]
            np.add.at(pairs, (block.before, block.ids[0]), share)
        for j, ids in enumerate(block.ids):
            resp[block.first + j] = np.bincount(ids, share, minlength=n_tuples)
            if j:
                np.add.at(pairs, (block.ids[j - 1], ids), share)
            cross += _products(block, j, share, model.n_states, n_tuples)
        hidden += float(share @ block.entropy)
    return Completed(Smoothed(told.loglik, resp, begun, pairs), cross, hidden)


def _products(block: Block, j: int, share: Array, k: int, n_tuples: int) -> Array:
    """Expected cross products of a block's row j for each tuple, (G, p + 2, p + 2)."""
    n, width = block.placed.shape[:2]
    rows = block.fixed[j] + block.mean @ block.placed[j].T
    # paths are numbered by their states, the latest first, of which a tuple is some in a row
    apart = (k ** (n - 1 - j), n_tuples, -1)
    weight, rows = share.reshape(apart), rows.reshape(*apart, width)
    spread = block.spread.reshape(*apart, block.spread.shape[1] ** 2)
    made = np.empty((n_tuples, width, width))
    for g in range(n_tuples):
        own, each = weight[:, g].ravel(), rows[:, g].reshape(-1, width)
        hidden = own @ spread[:, g].reshape(len(own), -1)
        around = block.placed[j] @ hidden.reshape(block.spread.shape[1:]) @ block.placed[j].T
        made[g] = (each * own[:, None]).T @ each + around
    return made


def _over(part: Array, whole: Array) -> Array:
    """exp(part - whole), 0 where both are impossible."""
    return np.exp(part - np.where(np.isfinite(whole), whole, 0.0))


def decoded(model: LaggedModel, params: LaggedParams, x: Array) -> tuple[float, NDArray[np.intp]]:
    """log p(path, values that are known) of the likeliest path, and its tuples, (n,)."""
    chain = _chained(model, params, x, np.maximum.at)
    size = np.array([len(chain.rows)])
    best = recursions.viterbi(chain.density, chain.start, chain.moves, size)
    path = np.zeros(len(x), dtype=np.intp)
    path[chain.rows] = best.states
    for i, block in chain.blocks.items():
        fits = block.ids[-1] == best.states[i]
        if block.before is not None:
            fits &= block.before == best.states[i - 1]
        chosen = int(np.argmax(np.where(fits, block.log_weight, -np.inf)))
        path[block.first : block.last + 1] = block.ids[:, chosen]
    return float(best.log_probability[0]), path
