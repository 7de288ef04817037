"""`select`: every combination of settings fitted, and the best one by a criterion."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone

from latentia.engine import CheckpointError, NotConvergedWarning, Status
from latentia.engine.asked import refuse_checkpoint
from latentia.engine.selection import CRITERIA

from .candidates import Candidate, Selection, judged, winner
from .exchange import check_exchange, exchanged

SMALL_WORK = 3e6
"""Below this many cells times candidates, starting processes costs more than it saves."""

Callback = Callable[[int, int, "Candidate"], None]


def select(
    estimator: Any,
    X: Any,
    grid: Mapping[str, Sequence[Any]],
    *,
    criterion: str = "bic",
    sample_weight: ArrayLike | None = None,
    exchange: int | None = None,
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
    exchange : int, optional
        What candidates have of one another. Neighbours have the same number of components with
        another covariance or family, one fewer of which one is split, or one more of which two are
        merged. By default, Gaussian mixtures of few rows (2,000) and columns (10) climb together
        before they are fitted, briefly and in compiled code, each again from what its neighbours
        found; `n_steps` does not count that. Those with a portfolio of starts are fitted alone. A
        number says in how many rounds, at most, each candidate that is fitted starts again so. Only
        proper maxima that are higher are kept. A round takes about as long as the sweep with one
        start; later ones are of those candidates alone whose neighbours changed. For
        `GaussianMixture` and `Mixture`.
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
    check_exchange(estimator, exchange)
    settings = _combinations(estimator, grid)
    clones = [_varied(estimator, each) for each in settings]
    _refuse_shared_checkpoints(clones)
    if n_jobs is None:
        cells = float(np.prod(np.shape(X))) * len(clones)
        n_jobs = 1 if cells < SMALL_WORK else -1
    if n_jobs > 0:  # joblib would start processes that find nothing to do
        n_jobs = min(n_jobs, len(clones))
    given = {"sample_weight": sample_weight, **told}
    begins = _begun(clones, grid, X, given) if exchange is None else [None] * len(clones)
    jobs = (
        delayed(_fit)(e, X, given, s, begin)
        for e, s, begin in zip(clones, settings, begins, strict=True)
    )
    fitted: list[Any] = []
    candidates: list[Candidate] = []
    results: Any = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    for made, candidate in results:
        fitted.append(made)
        candidates.append(candidate)
        if callback is not None:
            callback(len(candidates), len(clones), candidate)
    exchanged(fitted, candidates, exchange or 0, X, given, n_jobs)
    best = winner(candidates, criterion)
    chosen = fitted[best]
    if chosen._data is None:  # it was fitted in another process, which kept the data
        chosen.remember(X, **given)
    n_begun = sum(begin is not None for begin in begins)
    return Selection(tuple(candidates), criterion, best, chosen, n_begun)


def _varied(estimator: Any, settings: dict[str, Any]) -> Any:
    copy: Any = clone(estimator)
    if any("__" in name for name in settings):
        return copy.set_params(**settings)
    for name, value in settings.items():  # `set_params` asks for all of them first
        setattr(copy, name, value)
    return copy


def _refuse_shared_checkpoints(clones: list[Any]) -> None:
    """A candidate would find the file of another, fail, and so lose for no fault of its own."""
    seen: set[str] = set()
    for each in clones:
        path = getattr(getattr(each, "em", None), "checkpoint", None)
        if path is None:
            continue
        if str(path) in seen:
            refuse_checkpoint(path)
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


def _begun(
    clones: list[Any], grid: Mapping[str, Sequence[Any]], X: Any, given: dict[str, Any]
) -> list[Any]:
    """Where each fit is to begin, as far as they find out together."""
    together = getattr(clones[0], "begin_together", None)
    told = [name for name, value in given.items() if value is not None]
    if together is None or len(clones) == 1 or set(told) - {"sample_weight"}:
        return [None] * len(clones)
    if set(grid) - set(clones[0].exchanges):
        return [None] * len(clones)
    return together(clones, X, given["sample_weight"])


def _fit(
    estimator: Any, X: Any, given: dict[str, Any], settings: dict[str, Any], begin: Any
) -> tuple[Any, Candidate]:
    began = time.perf_counter()
    nan = float("nan")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)
            if not _fitted_from(estimator, begin, X, given):
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
    return estimator, judged(estimator, settings, time.perf_counter() - began)


def _fitted_from(estimator: Any, begin: Any, X: Any, given: dict[str, Any]) -> bool:
    """Fit from parameters that are known, if any are; whether that went well."""
    if begin is None:
        return False
    try:
        estimator.fit_from(begin, X, **given)
    except ValueError:  # it collapsed
        return False
    return True
