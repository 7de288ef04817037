"""What the engine found out in a fit, to and from a file, whatever the family."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine import EM, Certificate, Fit, Optimum, Status, tree
from latentia.engine.trace import Climb, Trace

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .base import Climbing

_SIMPLE = (bool, int, float, str, type(None))
_NUMBERS = ("objective", "loglik", "n_units", "n_obs")
_COUNTS = ("n_components", "n_states", "n_clusters", "n_mix", "order")


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings JSON can carry: numbers, names and None."""
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in settings.items()}
    return {k: v for k, v in plain.items() if isinstance(v, _SIMPLE)}


def settings_of(estimator: Climbing) -> dict[str, Any]:
    """What `take_settings` and `take_names` read: the settings, and what the columns are called."""
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "settings": _plain(estimator.get_params(deep=False)),
        "em": None if estimator.em is None else _plain(estimator.em.get_params(deep=False)),
        "feature_names": None if names is None else [str(name) for name in names],
    }


def to_record(estimator: Climbing, header: dict[str, Any], arrays: dict[str, Any]) -> Record:
    """All of a fit but the data and the parameters, which `header` and `arrays` hold."""
    from latentia.persistence import Record

    fit, certificate = estimator.fit_, estimator.certificate_
    told = dataclasses.asdict(certificate)
    floats = {k: v for k, v in told.items() if isinstance(v, float)}
    words = {k: v for k, v in told.items() if k not in floats and k not in ("status", "optima")}
    criteria = estimator.criteria()
    header = {
        **settings_of(estimator),
        "status": fit.status.name,
        "n_free": fit.n_free,
        "best": fit.best,
        "climbs": [climb.status.name for climb in fit.climbs],
        "certificate": words,
        "certificate_numbers": list(floats),
        "optima_hits": [optimum.hits for optimum in certificate.optima],
        "note": None if estimator._errors is None else estimator._errors.note,
        **header,
    }
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    arrays["fit"] = np.array([getattr(fit, name) for name in _NUMBERS])
    arrays["certificate"] = np.array(list(floats.values()))
    arrays["entropy"] = np.array((criteria["icl"] - criteria["bic"]) / 2)
    arrays["optima"] = np.array([optimum.objective for optimum in certificate.optima])
    for i, climb in enumerate(fit.climbs):
        for name, values in climb.trace._asdict().items():
            arrays[f"climb.{i}.{name}"] = np.asarray(values)
    if estimator._errors is not None:
        for name, leaf in _errors(estimator._errors):
            arrays[name] = np.asarray(leaf)
    return Record(type(estimator).__name__, header, arrays)


def restore(estimator: Climbing, written: Record, params: Any, errors: Any) -> None:
    """The inverse of `to_record`.

    `params` are those of the fit; `errors` is a tree of the structure of its standard errors,
    with a `note`.
    """
    header, arrays = written.header, written.arrays
    take_names(estimator, written)
    estimator._restore(_fit(written, params), float(arrays["entropy"]))
    if header["note"] is not None:
        held = [
            header["note"] if name == _NOTE else arrays[name]
            for name, _ in _errors(errors, with_note=True)
        ]
        estimator._errors = tree.rebuild(errors, held)


_NOTE = "se.note"


def _errors(errors: Any, with_note: bool = False) -> Iterator[tuple[str, Any]]:
    """The leaves of standard errors, each with its name in a file."""
    for path, leaf in zip(tree.names(errors), tree.leaves(errors), strict=True):
        name = f"se.{path}"
        if with_note or name != _NOTE:
            yield name, leaf


def take_settings(estimator: Climbing, written: Record) -> None:
    """Set the estimator's parameters as they were.

    Each component, state or lag has a number of its own in the file at least: one that claims more
    of them is refused before memory is asked for.
    """
    settings = written.header["settings"]
    there = sum(array.size for array in written.arrays.values())
    for name in _COUNTS:
        count = settings.get(name)
        if isinstance(count, int) and count > there:
            raise ValueError(f"got {name}={count}, expected at most {there}, the numbers there are")
    estimator.set_params(**settings)
    if written.header["em"] is not None:
        estimator.set_params(em=EM(**written.header["em"]))


def take_names(estimator: Climbing, written: Record) -> None:
    """Name the columns as they were."""
    names = written.header["feature_names"]
    if names is not None:
        vars(estimator)["feature_names_in_"] = np.array(names, dtype=object)


def _fit(written: Record, params: Any) -> Fit[Any]:
    header, arrays = written.header, written.arrays
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
    return Fit(
        params=params,
        **dict(zip(_NUMBERS, map(float, arrays["fit"]), strict=True)),
        n_free=header["n_free"],
        status=status,
        certificate=certificate,
        climbs=tuple(_climb(arrays, i, name) for i, name in enumerate(header["climbs"])),
        best=header["best"],
    )


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
