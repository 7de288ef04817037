"""Choosing among models: one table of candidates, and the best of them fitted."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone

from latentia.engine import CheckpointError, NotConvergedWarning, Status
from latentia.engine.selection import CRITERIA

__all__ = ["CRITERIA", "Candidate", "Selection", "select"]

SMALLEST_VARIANCE = 1e-3
"""A component thinner than this share of the pooled covariance, in any direction, is spurious."""

SMALL_WORK = 3e6
"""Below this many cells times candidates, starting processes costs more than it saves."""

GAIN = 1e-2
"""Nats by which a fit from a neighbour's is to be higher: less may be the end of the same climb."""

TRIES = 3
"""Starts that a candidate takes from its neighbours in one round, at most."""

Callback = Callable[[int, int, "Candidate"], None]


@dataclass(frozen=True)
class Candidate:
    """One fitted candidate; numbers are nan where it failed.

    Attributes
    ----------
    settings : dict
        What was varied.
    loglik : float
    n_parameters : int
    aic, aicc, bic, sabic, icl : float
        Lower is better; AICc is infinite where there are too few rows for so many parameters.
    status : Status
    n_steps : int
        E-steps of the best start.
    note : str
        Why it cannot win; empty where it can.
    seconds : float
    """

    settings: dict[str, Any]
    loglik: float
    n_parameters: int
    aic: float
    aicc: float
    bic: float
    sabic: float
    icl: float
    status: Status
    n_steps: int
    note: str
    seconds: float


@dataclass(frozen=True)
class Selection:
    """The candidates in the order of the grid, and the winner.

    Attributes
    ----------
    candidates : tuple of Candidate
    criterion : str
    best : int
        Position of the winner among the candidates.
    best_estimator : estimator
        Fitted.
    """

    candidates: tuple[Candidate, ...]
    criterion: str
    best: int
    best_estimator: Any

    @property
    def best_settings(self) -> dict[str, Any]:
        """The winner's settings."""
        return self.candidates[self.best].settings

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row a candidate, best first, as records for a data frame."""
        order = sorted(
            range(len(self.candidates)),
            key=lambda i: (bool(self.candidates[i].note), _value(self.candidates[i], self)),
        )
        rows: list[dict[str, Any]] = []
        for i in order:
            c = self.candidates[i]
            rows.append(
                {
                    **c.settings,
                    "loglik": c.loglik,
                    "n_parameters": c.n_parameters,
                    "aic": c.aic,
                    "aicc": c.aicc,
                    "bic": c.bic,
                    "sabic": c.sabic,
                    "icl": c.icl,
                    "status": c.status.name,
                    "n_steps": c.n_steps,
                    "note": c.note,
                }
            )
        return rows

    def summary(self) -> Any:
        """The table as a person reads it."""
        from latentia.report.summary import summarise_selection

        return summarise_selection(self)

    @property
    def plot(self) -> Any:
        """Pictures of the sweep: ``plot.criterion()``."""
        from latentia.report.displays import SelectionPlots

        return SelectionPlots(self)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _value(candidate: Candidate, selection: Selection) -> float:
    value = float(getattr(candidate, selection.criterion))
    return value if np.isfinite(value) else np.inf


def select(
    estimator: Any,
    X: Any,
    grid: Mapping[str, Sequence[Any]],
    *,
    criterion: str = "bic",
    sample_weight: ArrayLike | None = None,
    exchange: int = 0,
    n_jobs: int | None = None,
    callback: Callback | None = None,
    **told: Any,
) -> Selection:
    """Fit every combination of settings and choose by an information criterion.

    A candidate that did not converge, that is held up by a floor, or that has a component
    thinner than a thousandth of the pooled covariance cannot win as long as another can: its
    likelihood is not that of a proper maximum.

    Parameters
    ----------
    estimator : estimator
        A `GaussianMixture`; not changed. Several starts (``n_init``) are wise.
    X : array-like of shape (n, d)
    grid : dict of str to list
        Values of each setting to try, such as
        ``{"n_components": range(1, 10), "covariance_type": ["full", "tied"]}``.
    criterion : {"bic", "aic", "icl", "aicc", "sabic"}, default="bic"
        Lower is better.
    sample_weight : array-like of shape (n,), optional
    exchange : int, default=0
        Rounds, at most, in which each candidate also starts from what its neighbours found: the
        same number of components with another covariance or family, one fewer of which one is
        split, or one more of which two are merged. Only proper maxima that are higher are kept.
        A round takes about as long as the sweep with one start; later ones are of those candidates
        alone whose neighbours changed. For `GaussianMixture` and `Mixture`.
    n_jobs : int, optional
        Processes, as in joblib. By default all cores where the work is large, else one. The
        result does not depend on it.
    callback : callable, optional
        Called with (done, total, candidate) after each candidate, before any exchange.
    **told
        What the estimator's `fit` takes besides, such as ``y`` or ``groups``.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        If the grid or criterion is unknown, if `exchange` is not for such estimators, if several
        candidates would share a checkpoint, or if no candidate could be fitted at all.
    ClusterError
        If the cluster that the candidates are fitted on fails one of them: that says nothing of
        the candidate, so the sweep ends there.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets, select
    >>> X = datasets.load("faithful").values
    >>> grid = {"n_components": [1, 2, 3], "covariance_type": ["full", "tied"]}
    >>> chosen = select(GaussianMixture(n_init=4, random_state=0), X, grid)
    >>> chosen.best_settings
    {'n_components': 3, 'covariance_type': 'tied'}
    """
    if criterion not in CRITERIA:
        raise ValueError(f"got criterion={criterion!r}, expected one of {', '.join(CRITERIA)}")
    _check_exchange(estimator, exchange)
    settings = _combinations(estimator, grid)
    clones = [_varied(estimator, each) for each in settings]
    _refuse_shared_checkpoints(clones)
    if n_jobs is None:
        cells = float(np.prod(np.shape(X))) * len(clones)
        n_jobs = 1 if cells < SMALL_WORK else -1
    given = {"sample_weight": sample_weight, **told}
    jobs = (delayed(_fit)(e, X, given, s) for e, s in zip(clones, settings, strict=True))
    fitted: list[Any] = []
    candidates: list[Candidate] = []
    results: Any = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    for made, candidate in results:
        fitted.append(made)
        candidates.append(candidate)
        if callback is not None:
            callback(len(candidates), len(clones), candidate)
    _exchanged(fitted, candidates, exchange, X, given, n_jobs)
    best = _winner(candidates, criterion)
    winner = fitted[best]
    if winner._data is None:  # it was fitted in another process, which kept the data
        winner.remember(X, **given)
    return Selection(tuple(candidates), criterion, best, winner)


def _varied(estimator: Any, settings: dict[str, Any]) -> Any:
    copy: Any = clone(estimator)
    return copy.set_params(**settings)


def _refuse_shared_checkpoints(clones: list[Any]) -> None:
    """A candidate would find the file of another, fail, and so lose for no fault of its own."""
    seen: set[str] = set()
    for each in clones:
        path = getattr(getattr(each, "em", None), "checkpoint", None)
        if path is None:
            continue
        if str(path) in seen:
            raise ValueError(
                f"got em.checkpoint={str(path)!r} for several fits, expected None; a checkpoint is "
                "of one fit"
            )
        seen.add(str(path))


def _combinations(estimator: Any, grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    if isinstance(estimator, type):
        name = estimator.__name__
        raise TypeError(f"got the class {name}, expected an estimator, such as {name}(...)")
    known = estimator.get_params()
    for name in grid:
        if name not in known:
            raise ValueError(
                f"got {name!r} in the grid, expected settings of {type(estimator).__name__}: "
                f"{', '.join(sorted(known))}"
            )
    for name, each in grid.items():
        if isinstance(each, (str, bytes)) or not isinstance(each, Iterable):
            raise ValueError(f"got {name}={each!r} in the grid, expected a list of values")
    values = [list(each) for each in grid.values()]
    if not values or not all(values):
        raise ValueError("got an empty grid, expected at least one setting with one value")
    return [dict(zip(grid, each, strict=True)) for each in itertools.product(*values)]


def _fit(
    estimator: Any, X: Any, given: dict[str, Any], settings: dict[str, Any]
) -> tuple[Any, Candidate]:
    began = time.perf_counter()
    nan = float("nan")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)
            estimator.fit(X, **given)
    except CheckpointError:
        raise  # it says nothing of the candidate
    except ValueError as error:
        seconds = time.perf_counter() - began
        failed = Candidate(
            settings=settings,
            loglik=nan,
            n_parameters=0,
            **dict.fromkeys(CRITERIA, nan),
            status=Status.DEGENERATE,
            n_steps=0,
            note=str(error),
            seconds=seconds,
        )
        return None, failed
    return estimator, _judged(estimator, settings, time.perf_counter() - began)


def _judged(estimator: Any, settings: dict[str, Any], seconds: float) -> Candidate:
    certificate = estimator.certificate_
    note = ""
    if certificate.status is not Status.CONVERGED:
        note = str(certificate.status)
    elif certificate.active_floors:
        note = f"held up by a floor: {', '.join(certificate.active_floors)}"
    elif estimator.smallest_variance() < SMALLEST_VARIANCE:
        note = "a component is thinner than a thousandth of the pooled covariance"
    return Candidate(
        settings=settings,
        loglik=estimator.loglik_,
        n_parameters=estimator.n_parameters_,
        **{name: estimator.criteria()[name] for name in CRITERIA},
        status=certificate.status,
        n_steps=certificate.n_steps,
        note=note,
        seconds=seconds,
    )


def _check_exchange(estimator: Any, rounds: Any) -> None:
    if not isinstance(rounds, Integral) or isinstance(rounds, bool) or rounds < 0:
        raise ValueError(f"got exchange={rounds!r}, expected a whole number of rounds, 0 or more")
    if rounds and not getattr(estimator, "exchanges", ()):
        raise ValueError(
            f"got exchange={rounds} for {type(estimator).__name__}, expected a GaussianMixture or "
            "a Mixture: others take no starts from one another; leave it at 0"
        )


def _exchanged(
    fitted: list[Any],
    candidates: list[Candidate],
    rounds: int,
    X: Any,
    given: dict[str, Any],
    n_jobs: int,
) -> None:
    """Put what candidates find from their neighbours' fits in their places."""
    changed = {i for i, each in enumerate(fitted) if each is not None}
    names = tuple(getattr(next((f for f in fitted if f is not None), None), "exchanges", ()))
    for _ in range(rounds):
        jobs: list[Any] = []
        places: list[int] = []
        for i, each in enumerate(fitted):
            if each is None:
                continue
            near = [
                j
                for j in range(len(fitted))
                if j in changed
                and j != i
                and _are_neighbours(candidates[i].settings, candidates[j].settings, names)
            ]
            if near:
                places.append(i)
                others = [fitted[j] for j in near]
                jobs.append(delayed(_from_neighbours)(each, others, candidates[i], X, given))
        results: Any = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
        made = [(i, found) for i, found in zip(places, results, strict=True) if found is not None]
        for i, found in made:
            fitted[i], candidates[i] = found
        changed = {i for i, _ in made}


def _are_neighbours(a: dict[str, Any], b: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Whether they differ in one of the settings, by one where it is the number of components."""
    differ = [name for name in a if not _equal(a[name], b[name])]
    if len(differ) != 1 or differ[0] not in names:
        return False
    return differ != ["n_components"] or abs(a["n_components"] - b["n_components"]) == 1


def _equal(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and bool(np.all(a == b)))


def _from_neighbours(
    estimator: Any, others: list[Any], candidate: Candidate, X: Any, given: dict[str, Any]
) -> tuple[Any, Candidate] | None:
    """The first proper and higher maximum that its neighbours lead to, if there is one."""
    began = time.perf_counter()
    least = candidate.loglik + GAIN
    for copy in itertools.islice(estimator.from_neighbours(others, X, **given), TRIES):
        spent = candidate.seconds + time.perf_counter() - began
        found = _judged(copy, candidate.settings, spent)
        if found.loglik > least and not found.note:
            return copy, found
    return None


def _winner(candidates: list[Candidate], criterion: str) -> int:
    possible = [i for i, c in enumerate(candidates) if np.isfinite(getattr(c, criterion))]
    if not possible and any(np.isfinite(c.loglik) for c in candidates):
        raise ValueError(
            f"got {len(candidates)} candidates with too many parameters for {criterion} on so few "
            "rows, expected one with at most n - 2; give smaller models, or another criterion"
        )
    if not possible:
        reasons = "; ".join(sorted({c.note for c in candidates}))
        if len(candidates) == 1:
            raise ValueError(reasons)
        raise ValueError(f"none of the {len(candidates)} candidates could be fitted: {reasons}")
    proper = [i for i in possible if not candidates[i].note]
    if not proper:
        warnings.warn(
            "no candidate is a converged and proper maximum, so the best of the others was taken; "
            "raise max_iter, give fewer components, or simpler covariances",
            NotConvergedWarning,
            stacklevel=3,
        )
    return min(proper or possible, key=lambda i: float(getattr(candidates[i], criterion)))
