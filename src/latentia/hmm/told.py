"""Steps of whose states something is known: a family that makes the others impossible there."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.families.family import Family
from latentia.mixture import labels

from .model import HiddenMarkovModel

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@final
class Told(Family[Any, Any]):
    """Another family over rows that say in a last column which states they may be from.

    Parameters
    ----------
    family : Family
        Of the other columns.
    sorts : array of bool, shape (P, K)
        The sets of states that rows may be from; the last column has the number of one, or nan
        where every state is possible.
    """

    takes_missing = True

    def __init__(self, family: Family[Any, Any], sorts: Mask) -> None:
        self.family, self.sorts = family, sorts
        self.n_components, self.m_step_exact = family.n_components, family.m_step_exact
        self.n_gauge = family.n_gauge

    @property
    def space(self) -> Any:
        return self.family.space

    def allowed(self, x: Array) -> Mask:
        """Which states each row may be from, (n, K)."""
        code = np.asarray(x[:, -1], dtype=np.float64)
        made = np.ones((len(code), self.n_components), dtype=np.bool_)
        known = ~np.isnan(code)
        made[known] = self.sorts[code[known].astype(np.intp)]
        return made

    def start(self, x: Array, resp: Array) -> Any:
        seen = _seen(x)
        return self.family.start(x[seen, :-1], resp[seen])

    def log_density(self, params: Any, x: Array) -> Array:
        made, seen = np.zeros((len(x), self.n_components)), _seen(x)
        if seen.any():
            made[seen] = self.family.log_density(params, x[seen, :-1])
        return np.where(self.allowed(x), made, -np.inf)

    def stats(self, params: Any, x: Array, resp: Array) -> Any:
        seen = _seen(x)
        return self.family.stats(params, x[seen, :-1], resp[seen])

    def m_step(self, stats: Any, params: Any) -> Any:
        return self.family.m_step(stats, params)

    def q(self, params: Any, stats: Any) -> float:
        return self.family.q(params, stats)

    def score(self, params: Any, stats: Any) -> Any:
        return self.family.score(params, stats)

    @property
    def has_prior(self) -> bool:
        return self.family.has_prior

    def log_prior(self, params: Any) -> float:
        return self.family.log_prior(params)

    def prior_score(self, params: Any) -> Any:
        return self.family.prior_score(params)

    def redraw(
        self, params: Any, x: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        """What was told of a state is told again, of the one that the new row is from."""
        new = self.family.redraw(params, x[:, :-1], labels, rng)
        told = ~np.isnan(x[:, -1])
        code = np.full(len(x), np.nan)
        for i in np.flatnonzero(told):
            size = self.sorts[int(x[i, -1])].sum()
            fit = self.sorts[:, labels[i]] & (self.sorts.sum(axis=1) == size)
            code[i] = int(np.argmax(fit)) if fit.any() else np.nan
        return np.column_stack([new, code])


class ToldGuesses(NamedTuple):
    """Guesses that keep to what is known, states numbered so that they agree with it.

    Attributes
    ----------
    guesses : callable
        Of rows of whose states nothing is known.
    family : Told
    """

    guesses: Any
    family: Told

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        rows = labels.LabelledRows(sample.x, sample.weights, self.family.allowed(sample.x))
        guessed = self.guesses(Rows(sample.x[:, :-1], sample.weights), rng)
        return [labels.guided(resp, rows) for resp in guessed]

    def path(self, chunk: Any, rng: np.random.Generator) -> Array | None:
        """As `StateGuesses.path`."""
        resp = self.guesses.path(GroupedRows(chunk.x[:, :-1], chunk.weights, chunk.sizes), rng)
        if resp is None:
            return None
        w = np.repeat(chunk.weights, chunk.sizes)
        return labels.guided(resp, labels.LabelledRows(chunk.x, w, self.family.allowed(chunk.x)))


def told(
    model: HiddenMarkovModel, source: GroupedSource, ragged: Ragged, states: Any, allowed: Any
) -> tuple[HiddenMarkovModel, GroupedSource]:
    """The same model and sequences, with what is known of the states, if anything is.

    Parameters
    ----------
    model : HiddenMarkovModel
    source : GroupedSource
    ragged : Ragged
        What the source is of.
    states, allowed
        As in `allowed_states`.
    """
    mask = allowed_states(states, allowed, ragged, model.n_states)
    if mask is None:
        return model, source
    open_ = mask.all(axis=1)
    sorts, code = np.unique(mask[~open_], axis=0, return_inverse=True)
    column = np.full(len(mask), np.nan)
    column[~open_] = code.ravel()
    family = Told(model.family, sorts)
    guesses: Any = ToldGuesses(model.guesses, family)
    rows = source.rows
    x = np.column_stack([np.asarray(rows.x, dtype=np.float64), column])
    return (
        HiddenMarkovModel(family, guesses, model.chain, model.prior, model.checkpointing),
        GroupedSource(GroupedRows(x, rows.weights, rows.sizes)),
    )


def allowed_states(states: Any, allowed: Any, ragged: Ragged, n_states: int) -> Mask | None:
    """Which states each step may be from, (n, K), in the order of the sequences; None if all.

    Parameters
    ----------
    states : array-like of shape (n,), or list of such, a sequence each
        The state of each step, nan or -1 where it is not known.
    allowed : array-like of bool of shape (n, K), or list of such
        In its place, whether each step may be from each state.
    ragged : Ragged
    n_states : int

    Raises
    ------
    ValueError
        If both are given, if there is not one for each step, or if one is no state.
    """
    if states is not None:
        flat = np.asarray(_flat(states), dtype=np.float64)
        states = np.where(np.isnan(flat), -1.0, flat)
    try:
        made = labels.told(states, _flat(allowed), len(ragged.x), n_states)
    except ValueError as error:
        said = str(error).replace("labels", "states").replace("a component", "a state")
        said = said.replace("one label a row", "one state a step").replace("component", "state")
        raise ValueError(
            said.replace("a row of them for each row of X", "one for each step")
        ) from None
    if made is None or made.all():
        return None
    return made if ragged.order is None else made[ragged.order]


def _flat(given: Any) -> Any:
    several = isinstance(given, list | tuple) and len(given) and all(map(np.ndim, given))
    if several and np.ndim(given[0]) and all(isinstance(one, np.ndarray) for one in given):
        return np.concatenate(given)
    return given


def _seen(x: Array) -> Mask:
    """Rows with some cell that is known beside what is told of their states."""
    return np.asarray(~np.isnan(x[:, :-1]).all(axis=1))
