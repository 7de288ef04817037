"""Candidates that start again from what their neighbours found."""

from __future__ import annotations

import itertools
import time
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from .candidates import Candidate, judged

GAIN = 1e-2
"""Nats by which a fit from a neighbour's is to be higher: less may be the end of the same climb."""

TRIES = 3
"""Starts that a candidate takes from its neighbours in one round, at most."""


def check_exchange(estimator: Any, rounds: Any) -> None:
    """Refuse what is no number of rounds, and estimators that take no starts from others."""
    if rounds is None:
        return
    if not isinstance(rounds, Integral) or isinstance(rounds, bool) or rounds < 0:
        raise ValueError(f"got exchange={rounds!r}, expected a whole number of rounds, 0 or more")
    if rounds and not getattr(estimator, "exchanges", ()):
        raise ValueError(
            f"got exchange={rounds} for {type(estimator).__name__}, expected a GaussianMixture or "
            "a Mixture: others take no starts from one another; leave it at 0"
        )


def exchanged(
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
        found = judged(copy, candidate.settings, spent)
        if found.loglik > least and not found.note:
            return copy, found
    return None
