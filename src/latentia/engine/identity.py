"""What a fit is of, as plain values and digests: the same in another process."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from functools import cached_property, partial
from logging import Logger
from numbers import Number
from typing import Any

import numpy as np

from .evaluator import FAILURES, Evaluator
from .starts import Settings
from .tree import Tree
from .treefile import flattened

DEPTH = 12
"""Objects within objects that `plain` follows."""

HASHED = 2**26
"""Bytes of the data that are digested, at most: all of it, or as much drawn evenly."""

_SCALAR: Any = np.generic

_LISTS: Any = (tuple, list)

_NAMED: Any = (Number, os.PathLike, np.dtype)


def seed_of(generator: np.random.Generator) -> dict[str, Any]:
    """What the children of a generator follow from."""
    sequence: Any = generator.bit_generator.seed_seq
    entropy: Any = getattr(sequence, "entropy", None)
    parts: list[Any] = [entropy] if np.ndim(entropy) == 0 else list(entropy)
    return {
        "bits": type(generator.bit_generator).__name__,
        "entropy": [str(part) for part in parts],
        "spawn_key": [int(k) for k in getattr(sequence, "spawn_key", ())],
        "spawned": int(getattr(sequence, "n_children_spawned", 0)),
    }


def identity(
    settings: Settings, evaluator: Evaluator, seed: dict[str, Any], given: tuple[Any, ...]
) -> dict[str, str]:
    """What a fit is of, short of the data: compared entry by entry."""
    kind = type(evaluator.model)
    method: Any = settings.accelerator
    told = {
        "tol": settings.tol,
        "max_iter": settings.max_iter,
        "accelerate": {"method": method.name, **_settings(vars(method))},
        "starts": settings.starts,
        "race": False if settings.race is None else settings.race._asdict(),
        "anneal": settings.anneal,
        "warm_up": None if settings.warm_up is None else asdict(settings.warm_up),
    }
    return {
        "models": f"{kind.__module__}.{kind.__qualname__}",
        "settings": json.dumps(told),
        "seeds": json.dumps(seed),
        "borders of chunks": json.dumps([len(chunk) for chunk in evaluator.chunks])[:200],
        "starting parameters": _digest(given),
        "data": _of_data(evaluator),
        "hyper-parameters": _of_model(evaluator),
    }


def plain(value: Any, most: int = HASHED) -> Any:
    """What JSON can hold of a value, the same for equal values in every process.

    Arrays are digested, of large ones `most` bytes drawn evenly. Functions, classes and modules
    go by their names; other objects by their class and what they hold, but for cached
    properties.
    """
    return _plain(value, most, ())


def _plain(value: Any, most: int, above: tuple[int, ...]) -> Any:
    kind: Any = anything(type(value))
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, Enum):
        return f"{name}.{value.name}"
    if isinstance(value, _SCALAR) and value.dtype.kind in "biufU" and value.itemsize <= 8:
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    called = getattr(value, "__qualname__", getattr(value, "__name__", None))
    if isinstance(called, str):
        return f"{getattr(value, '__module__', None)}.{called}"
    if isinstance(value, (bytes, bytearray)):
        return hashlib.sha256(value).hexdigest()[:12]
    if isinstance(value, _NAMED):
        return f"{name} {value}"
    # the ids only end cycles; none of them gets into what is returned
    if id(value) in above or len(above) == DEPTH or isinstance(value, Logger):
        return name

    def inner(each: Any) -> Any:
        return _plain(each, most, (*above, id(value)))

    if hasattr(value, "__array__"):
        return _array(value, most, inner)
    told: dict[str, Any] = {}
    if isinstance(value, (set, frozenset)):
        told = {
            "members": sorted(json.dumps(inner(each), sort_keys=True) for each in anything(value))
        }
    elif isinstance(value, dict):
        told = {str(inner(key)): inner(each) for key, each in anything(value.items())}
    elif isinstance(value, _LISTS):
        entries = [inner(each) for each in anything(value)]
        fields = getattr(value, "_fields", None)
        if fields is None:
            return entries
        told = dict(zip(fields, entries, strict=True))
    elif isinstance(value, partial):
        parts = anything(value)
        told = {"func": inner(parts.func), "args": inner(parts.args), "kw": inner(parts.keywords)}
    held = {each: inner(what) for each, what in _held(value).items()}
    return {"class": name, **told, **held}


def anything(value: Any) -> Any:
    """The value, without what is known of its type."""
    return value


def _held(value: Any) -> dict[str, Any]:
    """The attributes of an object, but for those that are computed when first asked for."""
    held = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots: Any = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                held[slot] = getattr(value, slot)
    kind = anything(type(value))
    return {
        name: each
        for name, each in held.items()
        if not isinstance(getattr(kind, name, None), cached_property)
    }


def _array(value: Any, most: int, inner: Callable[[Any], Any]) -> Any:
    array: np.ndarray[Any, Any] = np.asarray(value)
    if array.dtype.hasobject:
        return inner(array.tolist())
    shape, kind = array.shape, array.dtype.str
    if array.nbytes > most:
        count = max(most // array.dtype.itemsize, 1)
        array = array.reshape(-1)[np.linspace(0, array.size - 1, count).astype(np.intp)]
    return f"{kind}{shape} {hashlib.sha256(array.tobytes()).hexdigest()[:12]}"


def _of_data(evaluator: Evaluator) -> str:
    """A digest of the chunks."""
    most = max(HASHED // max(len(evaluator.chunks), 1), 1024)
    digest = hashlib.sha256()
    for chunk in evaluator.chunks:
        digest.update(json.dumps(plain(chunk, most), sort_keys=True).encode())
    return digest.hexdigest()[:12]


def _of_model(evaluator: Evaluator) -> str:
    """The hyper-parameters, or a digest where they are many."""
    told = json.dumps(plain(evaluator.model), sort_keys=True)
    return told if len(told) < 20_000 else json.dumps(hashlib.sha256(told.encode()).hexdigest())


def _settings(settings: Any) -> dict[str, Any]:
    """The numbers and names among settings, those of parts included."""
    plain: dict[str, Any] = {}
    for name, value in sorted(settings.items()):
        if isinstance(value, (bool, int, float, str, type(None))):
            plain[name] = value
        elif isinstance(getattr(value, "__dict__", None), dict):
            plain[name] = _settings(vars(value))
    return plain


def evidence(evaluator: Evaluator, make: Callable[[int], tuple[Tree, Any]]) -> str:
    """The objective at the first start, and what an EM step makes of it, to the bit."""
    params, _ = make(0)
    model = evaluator.model
    if model.stochastic:
        return "not known, since the model draws random numbers"
    try:
        with np.errstate(all="ignore"):
            suff, _ = evaluator.suff(params)
            objective = evaluator.objective(params, suff)
            after = _digest(model.m_step(suff, params))
    except FAILURES:
        return f"collapsed at {_digest(params)}"
    return f"objective {objective!r} at the first start {_digest(params)}, then {after}"


def _digest(value: Any) -> str:
    """A few letters that stand for a tree."""
    arrays, kinds = flattened(value)
    digest = hashlib.sha256(repr(kinds).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:12]
