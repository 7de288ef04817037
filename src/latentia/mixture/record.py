"""A fitted mixture as a record for a file, and back; what `verbose` prints."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.arrays import Frame
from latentia.engine import EM, Certificate, Fit, Optimum, Status
from latentia.engine.callbacks import Plan, Step
from latentia.engine.trace import Climb, Trace
from latentia.families.gaussian import GaussianParams

from .inference import StandardErrors
from .model import MixtureParams

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import GaussianMixture

_SIMPLE = (bool, int, float, str, type(None))
_FITTED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")
_NUMBERS = ("objective", "loglik", "n_units", "n_obs")


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings JSON can carry: numbers, names and None."""
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in settings.items()}
    return {k: v for k, v in plain.items() if isinstance(v, _SIMPLE)}


def to_record(estimator: GaussianMixture) -> Record:
    """Everything but the data."""
    from latentia.persistence import Record

    fit, certificate = estimator.fit_, estimator.certificate_
    told = dataclasses.asdict(certificate)
    floats = {k: v for k, v in told.items() if isinstance(v, float)}
    words = {k: v for k, v in told.items() if k not in floats and k not in ("status", "optima")}
    names, criteria = getattr(estimator, "feature_names_in_", None), estimator.criteria()
    header = {
        "settings": _plain(estimator.get_params(deep=False)),
        "em": None if estimator.em is None else _plain(estimator.em.get_params(deep=False)),
        "feature_names": None if names is None else [str(name) for name in names],
        "status": fit.status.name,
        "n_free": fit.n_free,
        "best": fit.best,
        "climbs": [climb.status.name for climb in fit.climbs],
        "certificate": words,
        "certificate_numbers": list(floats),
        "optima_hits": [optimum.hits for optimum in certificate.optima],
        "note": None if estimator._errors is None else estimator._errors.note,
    }
    arrays = {name: np.asarray(getattr(estimator, name)) for name in _FITTED}
    arrays["fit"] = np.array([getattr(fit, name) for name in _NUMBERS])
    arrays["certificate"] = np.array(list(floats.values()))
    arrays["entropy"] = np.array((criteria["icl"] - criteria["bic"]) / 2)
    arrays["optima"] = np.array([optimum.objective for optimum in certificate.optima])
    for i, climb in enumerate(fit.climbs):
        for name, values in climb.trace._asdict().items():
            arrays[f"climb.{i}.{name}"] = np.asarray(values)
    for name, values in estimator._frame._asdict().items():
        arrays[f"frame.{name}"] = np.asarray(values)
    if estimator._errors is not None:
        for name in ("weights", "means", "covariances"):
            arrays[f"se.{name}"] = np.asarray(getattr(estimator._errors, name))
    return Record(type(estimator).__name__, header, arrays)


def restore(estimator: GaussianMixture, written: Record) -> GaussianMixture:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    estimator.set_params(**header["settings"])
    if header["em"] is not None:
        estimator.set_params(em=EM(**header["em"]))
    for name in _FITTED:
        setattr(estimator, name, arrays[name])
    status = Status[header["status"]]
    optima = zip(arrays["optima"], header["optima_hits"], strict=True)
    words: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in header["certificate"].items()
    }
    floats = map(float, arrays["certificate"])
    numbers: dict[str, Any] = dict(zip(header["certificate_numbers"], floats, strict=True))
    certificate = Certificate(
        status=status,
        optima=tuple(Optimum(float(height), int(hits)) for height, hits in optima),
        **words,
        **numbers,
    )
    weights, means, covariances = (np.asarray(arrays[name], dtype=float) for name in _FITTED[:3])
    climbs = tuple(_climb(arrays, i, name) for i, name in enumerate(header["climbs"]))
    fit = Fit(
        params=MixtureParams(weights, GaussianParams(means, covariances)),
        **dict(zip(_NUMBERS, map(float, arrays["fit"]), strict=True)),
        n_free=header["n_free"],
        status=status,
        certificate=certificate,
        climbs=climbs,
        best=header["best"],
    )
    vars(estimator)["n_features_in_"] = means.shape[1]
    if header["feature_names"] is not None:
        vars(estimator)["feature_names_in_"] = np.array(header["feature_names"], dtype=object)
    origin, scale, spread = (arrays[f"frame.{name}"] for name in Frame._fields)
    estimator._frame = Frame(origin, float(scale), spread)
    estimator._restore(fit, float(arrays["entropy"]))
    if header["note"] is not None:
        errors = {name: arrays[f"se.{name}"] for name in ("weights", "means", "covariances")}
        estimator._errors = StandardErrors(**errors, note=header["note"])
    return estimator


def _climb(arrays: dict[str, Any], i: int, status: str) -> Climb:
    trace = Trace(*(arrays[f"climb.{i}.{name}"] for name in Trace._fields))
    reached = trace.objective[trace.accepted]
    nan = float("nan")
    return Climb(
        params=None,
        suff=None,
        objective=float(reached[-1]) if len(reached) else -np.inf,
        status=Status[status],
        detail="",
        trace=trace,
        n_refused=0,
        looked_around=False,
        state=None,
        remaining_gain=nan,
        em_rate=nan,
        largest_fall=nan,
        score_norm=nan,
        rounding=nan,
    )


class Printer:
    """Prints steps as scikit-learn's `verbose` does."""

    def __init__(self, verbose: int, every: int) -> None:
        self.verbose, self.every = verbose, every
        self._start, self._objective = -1, float("nan")

    def on_start(self, plan: Plan) -> None:
        self._start = -1

    def on_step(self, step: Step) -> None:
        if step.start != self._start:
            print(f"Initialization {step.start}")
            self._start = step.start
        if step.n_steps and step.n_steps % self.every == 0:
            gained = f"\t ll change {step.objective - self._objective:.5f}"
            print(f"  Iteration {step.n_steps}" + (gained if self.verbose > 1 else ""))
        self._objective = step.objective

    def on_end(self, fit: Any) -> None:
        print(f"Initialization converged: {fit.status is Status.CONVERGED}")
