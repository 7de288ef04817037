"""Densities of classes from rows whose classes are known: a mixture for each class by itself.

That is MclustDA (Fraley & Raftery 2002, sec. 4); what it shares with EDDA is here too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from latentia.engine import DecreasedWarning, NotConvergedWarning, Status
from latentia.families.covariance import PATTERNS
from latentia.mixture import DataWarning, GaussianMixture
from latentia.selection import Selection, select

from .densities import ClassDensities

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


class Training(NamedTuple):
    """Rows of positive weight and their classes.

    Attributes
    ----------
    x : array of shape (n, d)
    codes : array of int, shape (n,)
    weights : array of shape (n,)
    classes : array of shape (C,)
        What the codes stand for.
    """

    x: Any
    codes: Codes
    weights: Array
    classes: NDArray[Any]

    @property
    def shares(self) -> Array:
        """What part of the rows is of each class, (C,)."""
        count = np.bincount(self.codes, self.weights, len(self.classes))
        return count / count.sum()


class Candidate(NamedTuple):
    """What EDDA found with one covariance structure; numbers are nan where it failed.

    Attributes
    ----------
    covariance : str
    loglik : float
        Of the rows without their classes.
    n_parameters : int
    bic : float
        Lower is better.
    note : str
        Why it cannot win as long as another can; empty where it can.
    """

    covariance: str
    loglik: float
    n_parameters: int
    bic: float
    note: str


class Trained(NamedTuple):
    """Densities, and where they come from.

    Attributes
    ----------
    densities : ClassDensities
    covariances : tuple of str
        The structure of each class.
    mixtures : list of estimator
        One of all classes, or one for each.
    candidates : tuple of Candidate
        Of EDDA.
    """

    densities: ClassDensities
    covariances: tuple[str, ...]
    mixtures: list[Any]
    candidates: tuple[Candidate, ...] = ()

    @property
    def n_parameters(self) -> int:
        """Free parameters of the densities; how likely classes are is not counted."""
        counted = sum(mixture.n_parameters_ for mixture in self.mixtures)
        together = len(self.mixtures) == 1
        return counted - (len(self.densities.priors) - 1 if together else 0)


def structures(asked: Sequence[str] | None, n_features: int) -> list[str]:
    """Names to be tried, each structure once; of one column there are but two.

    Raises
    ------
    ValueError
        If one is no name of mclust's.

    Examples
    --------
    >>> structures(None, 1), structures(["VVV", "VEV"], 3)
    (['EII', 'VII'], ['VVV', 'VEV'])
    """
    names = list(PATTERNS) if asked is None else list(asked)
    for name in names:
        if name not in PATTERNS:
            raise ValueError(
                f"got covariance_types with {name!r}, expected names among {', '.join(PATTERNS)}"
            )
    if not names:
        raise ValueError("got no covariance_types, expected at least one, or None for all")
    if n_features == 1:
        names = [f"{name[0]}II" for name in names]
    return list(dict.fromkeys(names))


def height(densities: ClassDensities, training: Training) -> float:
    """The log-likelihood of the rows without their classes, sum_i log p(x_i), in nats."""
    x = np.asarray(training.x, dtype=np.float64)
    return float(training.weights @ np.logaddexp.reduce(densities.log_joint(x), axis=1))


def apart(
    training: Training,
    names: Sequence[str],
    numbers: Sequence[int],
    make: Callable[[], GaussianMixture],
    priors: Array | None = None,
) -> Trained:
    """MclustDA: a mixture a class, its structure and number of components chosen by BIC.

    Parameters
    ----------
    training : Training
    names : sequence of str
        Structures to try.
    numbers : sequence of int
        Numbers of components to try; a class tries no more than it has different rows.
    make : callable
        Makes the mixture of a class, but for these two.
    priors : array of shape (C,), optional
        How likely classes are; their shares in the rows by default.

    Raises
    ------
    ValueError
        If a class has too few different rows, or if nothing could be fitted to it.
    """
    mixtures = [
        _of_class(training, c, names, numbers, make()) for c in range(len(training.classes))
    ]
    densities = ClassDensities(
        training.shares if priors is None else priors,
        np.array([len(mixture.weights_) for mixture in mixtures], dtype=np.int64),
        np.concatenate([np.asarray(mixture.weights_, np.float64) for mixture in mixtures]),
        np.concatenate([np.asarray(mixture.means_, np.float64) for mixture in mixtures]),
        np.concatenate([mixture.covariance_matrices() for mixture in mixtures]).astype(np.float64),
    )
    return Trained(
        densities, tuple(str(mixture.covariance_type) for mixture in mixtures), list(mixtures)
    )


def _of_class(
    training: Training,
    c: int,
    names: Sequence[str],
    numbers: Sequence[int],
    mixture: GaussianMixture,
) -> GaussianMixture:
    mine = training.codes == c
    x, weights = training.x[mine], training.weights[mine]
    different = len(np.unique(x, axis=0))
    possible = [number for number in numbers if number <= different]
    name = training.classes.tolist()[c]
    if not possible or different < 2:
        raise ValueError(
            f"got {different} different row{'s' * (different != 1)} of class {name!r}, expected at "
            f"least {max(2, min(numbers))} for a mixture of its own; give more rows, fewer "
            "components, or model_type='EDDA'"
        )
    single = [number for number in possible if number == 1]
    grids = [
        {"n_components": single, "covariance_type": list(dict.fromkeys(map(alone, names)))},
        {"n_components": possible[len(single) :], "covariance_type": list(names)},
    ]
    grids = [grid for grid in grids if grid["n_components"]]
    try:
        return _swept(mixture, x, weights, grids)
    except ValueError as error:
        raise ValueError(f"class {name!r}: {error}") from error


def _swept(
    mixture: GaussianMixture, x: Any, weights: Array, grids: Sequence[dict[str, Any]]
) -> GaussianMixture:
    """The best of all combinations.

    At first without a floor: what a floor would hold up cannot win, and collapses soon. Only where
    nothing else is left candidates are held up.
    """
    floor = mixture.reg_covar
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        if floor > 0:
            free: Any = clone(mixture)
            with warnings.catch_warnings(), suppress(ValueError):
                for kind in (NotConvergedWarning, DecreasedWarning):  # such candidates do not win
                    warnings.simplefilter("ignore", kind)
                best = _best(free.set_params(reg_covar=0.0), x, weights, grids)
                if not best.candidates[best.best].note:
                    return best.best_estimator.set_params(reg_covar=floor)
        return _best(mixture, x, weights, grids).best_estimator


def _best(
    mixture: GaussianMixture, x: Any, weights: Array, grids: Sequence[dict[str, Any]]
) -> Selection:
    found: list[Selection] = []
    for i, grid in enumerate(grids):
        last = i == len(grids) - 1
        try:
            found.append(
                select(
                    mixture, x, grid, sample_weight=weights, n_jobs=1, callback=_unless_interrupted
                )
            )
        except ValueError:
            if last and not found:
                raise
    return min(found, key=_rank)


def _unless_interrupted(done: int, total: int, candidate: Any) -> None:
    if candidate.status is Status.INTERRUPTED:  # the engine has caught Ctrl-C
        raise KeyboardInterrupt


def alone(name: str) -> str:
    """The structure that one component has: XII, XXI and XXX are written EII, EEI and EEE.

    Examples
    --------
    >>> alone("VEV"), alone("VVI")
    ('EEE', 'EEI')
    """
    return "".join("I" if letter == "I" else "E" for letter in name)


def _rank(selection: Selection) -> tuple[bool, float]:
    best = selection.candidates[selection.best]
    return bool(best.note), best.bic
