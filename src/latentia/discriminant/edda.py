"""EDDA: one Gaussian a class, whose covariances are tied in the way that BIC prefers.

It is one mixture whose components are the classes, so that every membership is known and the first
M-step is the answer (Bensmail & Celeux 1996).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from latentia.engine import Status
from latentia.engine import selection as criteria
from latentia.families.covariance import structure_of
from latentia.families.gaussian import GaussianParams
from latentia.mixture import Mixture
from latentia.mixture.given import Beginning
from latentia.mixture.model import MixtureParams

from .densities import ClassDensities
from .known import maximum, moments_of
from .training import Candidate, Trained, Training, height

Array = NDArray[np.float64]


def together(
    training: Training,
    names: Sequence[str],
    floors: Sequence[float],
    make: Callable[[str, float], Mixture],
    priors: Array | None = None,
) -> Trained:
    """EDDA: one Gaussian a class, their covariances tied in the way that BIC prefers.

    The likelihood that BIC is made of is, as in mclust, that of the rows without their classes.
    What did not converge or is held up by a floor wins only where there is nothing else.

    Parameters
    ----------
    training : Training
    names : sequence of str
        Structures to try.
    floors : sequence of float
        Under the eigenvalues of covariances; the next one only where nothing is proper under the
        one before.
    make : callable
        Makes a mixture of a structure and a floor.
    priors : array of shape (C,), optional
        How likely classes are; their shares in the rows by default.

    Raises
    ------
    ValueError
        If no structure could be fitted.
    """
    found: list[tuple[Candidate, Trained | None]] = []
    for floor in floors:
        found = _under(training, names, floor, lambda name, floor=floor: make(name, floor), priors)
        if any(not candidate.note for candidate, _ in found):
            break
    ranked = [(bool(c.note), c.bic, trained) for c, trained in found if trained is not None]
    candidates = tuple(candidate for candidate, _ in found)
    if not ranked:
        raise ValueError(
            f"none of the structures {', '.join(names)} could be fitted: {candidates[0].note}"
        )
    return min(ranked, key=lambda each: each[:2])[2]._replace(candidates=candidates)


def _under(
    training: Training,
    names: Sequence[str],
    floor: float,
    make: Callable[[str], Mixture],
    priors: Array | None,
) -> list[tuple[Candidate, Trained | None]]:
    """All structures under one floor.

    Where the first M-step is a proper maximum, a mixture is fitted, with all its evidence, of the
    best of these alone.
    """
    moments = moments_of(training.x, training.codes, training.weights, len(training.classes))
    steps = [maximum(moments, name, floor) for name in names]
    tried: list[tuple[Candidate, Trained | None]] = []
    for name, step in zip(names, steps, strict=True):
        if step is None:
            tried.append(_of_structure(training, name, make(name), priors))
        else:
            tried.append((_judged(training, name, step, priors), None))
    waiting = {i for i, step in enumerate(steps) if step is not None}
    while waiting:
        best = min(range(len(tried)), key=lambda i: (bool(tried[i][0].note), tried[i][0].bic))
        if best not in waiting:
            break
        waiting.remove(best)
        tried[best] = _of_structure(training, names[best], make(names[best]), priors, steps[best])
    return tried


def _judged(training: Training, name: str, step: GaussianParams, priors: Array | None) -> Candidate:
    """A structure by the maximum that is known."""
    densities = _densities(training, name, step, priors)
    k, d = step.means.shape
    free = structure_of(name, d).space(np.ones(d), 0.0).n_free(step.covariances.shape) + k * d
    loglik = height(densities, training)
    return Candidate(
        name, loglik, free, criteria.bic(loglik, free, float(training.weights.sum())), ""
    )


def _of_structure(
    training: Training,
    name: str,
    mixture: Mixture,
    priors: Array | None,
    begin: GaussianParams | None = None,
) -> tuple[Candidate, Trained | None]:
    """A structure by a mixture whose labels are known, from its maximum where that is known."""
    x, codes, weights, _ = training
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if begin is None:
                mixture.fit(x, sample_weight=weights, labels=codes)
            else:
                start = MixtureParams(training.shares, begin)
                mixture.fit_from(Beginning(start), x, sample_weight=weights, labels=codes)
    except ValueError as error:
        return Candidate(name, np.nan, 0, np.nan, str(error)), None
    certificate = mixture.certificate_
    if certificate.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    densities = _densities(training, name, mixture.params_, priors)
    trained = Trained(densities, (name,) * len(training.classes), [mixture])
    loglik, free = height(trained.densities, training), trained.n_parameters
    note = certificate.held if certificate.status is Status.CONVERGED else str(certificate.status)
    bic = criteria.bic(loglik, free, float(weights.sum()))
    return Candidate(name, loglik, free, bic, note), trained


def _densities(
    training: Training, name: str, params: GaussianParams, priors: Array | None
) -> ClassDensities:
    means, value = params
    one = np.ones(len(training.classes))
    return ClassDensities(
        training.shares if priors is None else priors,
        one.astype(np.int64),
        one,
        means,
        np.array(structure_of(name, means.shape[1]).matrices(value, *means.shape)),
    )
