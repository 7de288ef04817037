"""A latent class model in the terms of the engine's contract: a mixture of codes.

Rows hold covariates of class membership, an intercept first, and then the codes of the answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.families import Categorical
from latentia.families.predictor import Basis
from latentia.mixture.concomitant import Concomitant
from latentia.mixture.model import MixtureModel, MixtureParams, membership
from latentia.mixture.start_general import GeneralGuesses

Array = NDArray[np.float64]

INTERCEPT = "intercept"


LOOKED_AT, STEPS = 2000, 20
"""Of more rows than this a guess is made on so many, and improved by EM steps on them."""


class ItemGuesses(NamedTuple):
    """First guesses at the memberships, by the answers alone.

    Attributes
    ----------
    n_covariates : int
        Columns before the answers.
    guesses : GeneralGuesses
    family : Categorical
    """

    n_covariates: int
    guesses: GeneralGuesses
    family: Categorical

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        x, weights = sample.x[:, self.n_covariates :], sample.weights
        n = len(weights)
        if n <= LOOKED_AT:
            return self.guesses(Rows(x, weights), rng)
        some = np.sort(rng.choice(n, LOOKED_AT, replace=False, p=weights / weights.sum()))
        rows = self.family.prepare(Rows(x[some], np.ones(LOOKED_AT)))
        return [self._spread(resp, rows, x) for resp in self.guesses(rows, rng)]

    def _spread(self, resp: Array, rows: Any, x: Array) -> Array:
        """Memberships of all rows by what some steps on a few make of a guess at theirs."""
        shares, params = resp.mean(axis=0), self.family.start(rows.x, resp)
        for _ in range(STEPS):
            made = self.family.mixture_pass(params, shares, rows)
            shares = made.count / made.count.sum()
            params = self.family.m_step(made.stats, params)
        known = membership(self.family.log_density(params, x), shares)
        nowhere = ~np.isfinite(known.log_density)[:, None]  # with an answer that none of them gave
        return np.where(nowhere, shares, known.resp)


def built(
    n_levels: Sequence[int], n_components: int, method: str, basis: Basis | None
) -> MixtureModel:
    """The model of so many classes.

    Parameters
    ----------
    n_levels : sequence of int
        Categories of each item.
    n_components : int
    method : str
        How starts guess the memberships: one of `mixture.start.METHODS`.
    basis : Basis or None
        Of the covariates, the intercept first; None where all rows have the same weights.
    """
    codes = tuple(range(len(n_levels)))
    general = GeneralGuesses(n_components, method, codes)
    family = Categorical(n_components, n_levels)
    if basis is None:
        return MixtureModel(family, n_components, ItemGuesses(0, general, family))
    q = len(basis.columns)
    weighting = Concomitant(n_components, q, basis)
    return MixtureModel(family, n_components, ItemGuesses(q, general, family), weighting)


def design(z: Array) -> Array:
    """Covariates with an intercept before them, (n, 1 + p)."""
    return np.column_stack([np.ones(len(z)), z])


def independent(design: Array, weights: Array, names: Sequence[str]) -> Basis:
    """The basis of a design whose columns do not depend on one another.

    Raises
    ------
    ValueError
        If one follows from those before it, which is named.
    """
    basis = Basis.of(design, weights)
    if basis.dependent:
        raise ValueError(
            f"got the covariate {names[basis.dependent[0]]!r}, which follows from the others (a "
            "constant follows from the intercept), expected independent ones; leave it out"
        )
    return basis


def sizes(model: MixtureModel, params: MixtureParams, rows: Any) -> Array:
    """Expected numbers of rows in each class before their answers are seen, (K,)."""
    z = rows.x[:, : model.weighting.n_features]
    shares = np.exp(model.weighting.log_weights(params.weights, z))
    return rows.weights @ np.broadcast_to(shares, (len(rows), model.n_components))


PATHS = ("weights", "weights.coefficients"), ("components.probabilities",)
"""What the engine calls the leaves of the parameters: the first without and with covariates."""

_LABEL = re.compile(r"[a-z.]+\[[0-9, ]+\]")


def in_words(text: str, places: Sequence[tuple[str, int, tuple[int, ...]]]) -> str:
    """A sentence of the engine's with the names of parameters that `places` gives them.

    Examples
    --------
    >>> known = [("probability[1, smokes=no]", 1, (1, 0, 0))]
    >>> in_words("Held: components.probabilities[1, 0, 0].", known)
    'Held: probability[1, smokes=no].'
    """
    names = {
        f"{path}[{', '.join(map(str, at))}]": name
        for name, leaf, at in places
        for path in PATHS[leaf]
    }
    return _LABEL.sub(lambda found: names.get(found[0], found[0]), text)


def places(
    params: MixtureParams,
    covariates: Sequence[str],
    items: Sequence[str],
    categories: Sequence[Sequence[str]],
) -> list[tuple[str, int, tuple[int, ...]]]:
    """Every parameter: its name, the number of its leaf, and its place there.

    Parameters
    ----------
    params : MixtureParams
    covariates : sequence of str
        Names, without the intercept's; empty where there are none.
    items : sequence of str
    categories : sequence of sequences of str
        Of each item.

    Examples
    --------
    >>> from latentia.families.categorical import CategoricalParams
    >>> known = MixtureParams(np.ones(1), CategoricalParams(np.full((1, 1, 2), 0.5)))
    >>> [name for name, _, _ in places(known, (), ["smokes"], [["no", "yes"]])]
    ['weight[0]', 'probability[0, smokes=no]', 'probability[0, smokes=yes]']
    """
    k = len(params.components.probabilities)
    if not covariates:
        found = [(f"weight[{t}]", 0, (t,)) for t in range(k)]
    else:
        found = [
            (f"coefficient[{t}, {name}]", 0, (t, j))
            for t in range(1, k)
            for j, name in enumerate((INTERCEPT, *covariates))
        ]
    answers = [
        (f"probability[{t}, {item}={category}]", 1, (t, j, c))
        for t in range(k)
        for j, (item, each) in enumerate(zip(items, categories, strict=True))
        for c, category in enumerate(each)
    ]
    return [*found, *answers]
