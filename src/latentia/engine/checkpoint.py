"""Checkpoints: what a fit needs to go on to the same bits, in one file that runs no code.

A safetensors file. Its one string of metadata is JSON: what the fit is of, how far each start
has come, and a SHA-256 of all of it and of the arrays. Trees are written leaf by leaf and put
together again after the model's space and the accelerator's own state.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from functools import cached_property, partial
from logging import Logger
from numbers import Number
from pathlib import Path
from typing import Any, final

import numpy as np

from . import tree
from .certificate import Status
from .edges import Edges
from .evaluator import FAILURES, Evaluator
from .starts import Progress, Settings, Standing
from .stopping import Progress as Stopping
from .trace import Climb, ClimbState, Trace
from .tree import Tree

FORMAT = 2

KEY = "latentia checkpoint"

DEPTH = 12
"""Objects within objects that `plain` follows."""

HASHED = 2**26
"""Bytes of the data that are digested, at most: all of it, or as much drawn evenly."""

_NAMED: Any = (Number, os.PathLike, np.dtype)

_SCALAR: Any = np.generic

_LISTS: Any = (tuple, list)

_NUMBERS = ("objective", "remaining_gain", "em_rate", "largest_fall", "score_norm", "rounding")


class CheckpointError(ValueError):
    """A file that is no checkpoint of this fit, and why, in one sentence."""


@final
class Checkpoint:
    """The checkpoint of one fit.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    CheckpointError
        If there is a file and it is not a whole checkpoint.
    FileNotFoundError
        If there is no folder for it.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.checkpoint is not None
        self.path, self.every, self.settings = settings.checkpoint, settings.every, settings
        self.found = read(self.path) if os.path.lexists(self.path) else None
        if not Path(os.path.realpath(self.path)).parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {self.path}: no such folder; make the folder, or give another path"
            )
        self.progress: Progress | None = None
        self.identity: dict[str, str] = {}
        self.seed: dict[str, Any] = {}
        self.last = time.monotonic()

    def generator(self) -> np.random.Generator | None:
        """The generator of the fit that was stopped, for a call without one."""
        if self.found is None or self.found[0]["seed"].get("bits") != "PCG64":
            return None
        seed = self.found[0]["seed"]
        entropy = [int(part) for part in seed["entropy"]]
        sequence = np.random.SeedSequence(
            entropy if len(entropy) > 1 else entropy[0],
            spawn_key=seed["spawn_key"],
            n_children_spawned=seed["spawned"],
        )
        return np.random.Generator(np.random.PCG64(sequence))

    def open(
        self,
        evaluator: Evaluator,
        make: Callable[[int], tuple[Tree, Any]],
        seed: dict[str, Any],
        given: tuple[Any, ...],
    ) -> None:
        """See whether what was found is of this fit, and take it up.

        Raises
        ------
        CheckpointError
            If it is of another fit.
        """
        self.seed = seed
        self.identity = identity(self.settings, evaluator, seed, given)
        if self.found is not None:
            there = self.found[0]["identity"]
            for what, here in self.identity.items():
                self._same(what, there.get(what), here)
        # Last, since it takes an E-step: the same data and model make the same bits.
        self.identity["data or hyper-parameters"] = evidence(evaluator, make)
        if self.found is None:
            return
        header, arrays = self.found
        what = "data or hyper-parameters"
        self._same(what, header["identity"].get(what), self.identity[what])
        try:
            self.progress = _decoded(header, arrays, self.settings, evaluator)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise _damaged(self.path) from error

    def _same(self, what: str, there: Any, here: str) -> None:
        if there == here:
            return
        advice = "make the same call, or give another path"
        if what == "seeds":
            advice = f"give random_state a number, {advice}"
        raise CheckpointError(
            f"{self.path} is the checkpoint of a fit with other {what}"
            f"{_apart(there, here)}; {advice}"
        )

    def keep(self, progress: Callable[[], Progress], at_once: bool) -> None:
        """Write the progress if it is time to."""
        now = time.monotonic()
        if not at_once and now - self.last < self.every:
            return
        header, arrays = _encoded(progress())
        header["identity"], header["seed"] = self.identity, self.seed
        write(self.path, header, arrays)
        self.last = time.monotonic()


def _apart(there: Any, here: str) -> str:
    """The entries in which two JSON texts differ, in words; nothing for digests."""
    try:
        found = _differences("", json.loads(there), json.loads(here))
    except (TypeError, ValueError):
        return ""
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f", with {', '.join(found[:3])}{more}" if found else ""


def _differences(name: str, there: Any, here: Any) -> list[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        old, new = _any(there), _any(here)
        return [
            each
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
            for each in _differences(f"{name}.{key}" if name else key, old.get(key), new.get(key))
        ]
    return [f"{name}={_short(there)} there, {_short(here)} here"] if name else []


def _short(value: Any) -> str:
    text = repr(_any(value))
    return text if len(text) <= 50 else f"{text[:47]}..."


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
    kind: Any = _any(type(value))
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
        told = {"members": sorted(json.dumps(inner(each), sort_keys=True) for each in _any(value))}
    elif isinstance(value, dict):
        told = {str(inner(key)): inner(each) for key, each in _any(value.items())}
    elif isinstance(value, _LISTS):
        entries = [inner(each) for each in _any(value)]
        fields = getattr(value, "_fields", None)
        if fields is None:
            return entries
        told = dict(zip(fields, entries, strict=True))
    elif isinstance(value, partial):
        parts = _any(value)
        told = {"func": inner(parts.func), "args": inner(parts.args), "kw": inner(parts.keywords)}
    held = {each: inner(what) for each, what in _held(value).items()}
    return {"class": name, **told, **held}


def _any(value: Any) -> Any:
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
    kind = _any(type(value))
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
    arrays, kinds = _leaves(value)
    digest = hashlib.sha256(repr(kinds).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:12]


def _leaves(value: Tree) -> tuple[list[np.ndarray[Any, Any]], list[Any]]:
    """The leaves of a tree as arrays in C order, and for each what it was."""
    arrays: list[np.ndarray[Any, Any]] = []
    kinds: list[Any] = []
    for leaf in tree.leaves(value):
        array = np.asarray(0 if leaf is None else leaf)
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(
                f"got a parameter or state of type {array.dtype}, expected numbers of up to 64 "
                "bits; a checkpoint cannot hold it, so leave checkpoint=None"
            )
        kind: Any = "array"
        if not isinstance(leaf, np.ndarray):
            kind = "scalar" if isinstance(leaf, np.generic) else type(leaf).__name__
        elif array.ndim > 1 and not array.flags.c_contiguous:
            # BLAS rounds by the layout, so the order of axes in memory is kept as well
            kind = [
                int(axis) for axis in np.argsort([-abs(s) for s in array.strides], kind="stable")
            ]
            array = array.transpose(kind)
        arrays.append(np.array(array, dtype=array.dtype.newbyteorder("<"), order="C"))
        kinds.append(kind)
    return arrays, kinds


def _put_together(like: Tree, arrays: list[np.ndarray[Any, Any]], kinds: list[Any]) -> Tree:
    """A tree of the structure of `like`; the inverse of `_leaves`."""
    if len(arrays) != len(tree.leaves(like)):
        raise ValueError("the file holds another number of leaves")
    made: list[Any] = []
    for array, kind in zip(arrays, kinds, strict=True):
        if kind == "NoneType":
            made.append(None)
        elif kind in ("int", "float", "bool"):
            made.append(array.item())
        elif kind == "scalar":
            made.append(array[()])
        elif kind == "array":
            made.append(array)
        else:
            made.append(array.transpose(np.argsort(kind)))
    return tree.rebuild(like, made)


def _encoded(progress: Progress) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    arrays: dict[str, np.ndarray[Any, Any]] = {}

    def put(name: str, value: Tree) -> list[Any]:
        parts, kinds = _leaves(value)
        arrays.update({f"{name}.{j}": part for j, part in enumerate(parts)})
        return kinds

    told: list[dict[str, Any]] = []
    for i, (climb, state, rungs, extra) in enumerate(progress.standings):
        entry: dict[str, Any] = {"rungs": rungs, "extra": extra, "climb": None, "state": None}
        if climb is not None and climb.status is not Status.INTERRUPTED:
            entry["climb"] = {
                "status": climb.status.name,
                "detail": climb.detail,
                "n_refused": climb.n_refused,
                "looked_around": climb.looked_around,
                "has_suff": climb.suff is not None,
                "state": None if climb.state is None else put(f"{i}.climb.state", climb.state),
                "params": put(f"{i}.climb.params", climb.params),
                "trace": put(f"{i}.climb.trace", climb.trace),
            }
            arrays[f"{i}.climb.numbers"] = np.array(
                [getattr(climb, name) for name in _NUMBERS], dtype=np.float64
            )
        if state is not None:
            entry["state"] = put(f"{i}.state", state)
        told.append(entry)
    header = {
        "rung": progress.rung,
        "running": list(progress.running),
        "finished": progress.finished,
        "starts": told,
    }
    return header, arrays


def _decoded(
    header: dict[str, Any],
    arrays: dict[str, np.ndarray[Any, Any]],
    settings: Settings,
    evaluator: Evaluator,
) -> Progress:
    space = evaluator.model.space
    empty: Any = np.empty(0)
    method = settings.accelerator.begin(1)
    like = ClimbState(space, space, space, method, Stopping(), empty, 0.0, 0.0, 0, 0, 0.0, Edges())

    def get(name: str, kinds: list[Any], shape: Tree) -> Any:
        return _put_together(shape, [arrays[f"{name}.{j}"] for j in range(len(kinds))], kinds)

    standings: list[Standing] = []
    for i, entry in enumerate(header["starts"]):
        climb, kept = None, entry["climb"]
        if kept is not None:
            state = kept["state"]
            params = get(f"{i}.climb.params", kept["params"], space)
            numbers = [float(number) for number in arrays[f"{i}.climb.numbers"]]
            climb = Climb(
                params=params,
                suff=evaluator.suff(params)[0] if kept["has_suff"] else None,
                status=Status[kept["status"]],
                detail=kept["detail"],
                trace=get(f"{i}.climb.trace", kept["trace"], Trace(empty, empty, empty)),
                n_refused=kept["n_refused"],
                looked_around=kept["looked_around"],
                state=None if state is None else get(f"{i}.climb.state", state, like),
                **dict(zip(_NUMBERS, numbers, strict=True)),
            )
        state = entry["state"]
        state = None if state is None else get(f"{i}.state", state, like)
        standings.append(Standing(climb, state, entry["rungs"], entry["extra"]))
    return Progress(header["rung"], tuple(header["running"]), tuple(standings), header["finished"])


def write(path: str, header: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Write a checkpoint whole, or leave what was there."""
    from safetensors.numpy import save

    told = {"format": FORMAT, **header}
    told["sha256"] = _checksum(told, arrays)
    payload = save(arrays, {KEY: json.dumps(told, sort_keys=True)})
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.part")
    try:
        with open(temporary, "xb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise type(error)(
            f"cannot write {path}: {error.strerror or error}; make the folder, or give another path"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Read a checkpoint and make sure that not a byte of it has changed.

    Raises
    ------
    CheckpointError
        If it is damaged, cut short, or something else.
    """
    from safetensors.numpy import load, save

    try:
        payload = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror or error}; give the path of a file"
        ) from error
    try:
        length = int.from_bytes(payload[:8], "little")
        metadata = json.loads(payload[8 : 8 + length])["__metadata__"]
        arrays = {name: np.array(array) for name, array in load(payload).items()}
        told = json.loads(metadata[KEY])
        whole = told.pop("sha256") == _checksum(told, arrays)
        again = {**told, "sha256": _checksum(told, arrays)}
        whole = whole and save(arrays, {KEY: json.dumps(again, sort_keys=True)}) == payload
    except Exception as error:  # a damaged file can fail in any way inside the parsers
        raise _damaged(path) from error
    if not whole:
        raise _damaged(path)
    if told["format"] != FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint in format {told['format']}, expected {FORMAT}; go on with "
            "the version of latentia that wrote it, or give another path"
        )
    return told, arrays


def _checksum(told: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    shapes = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([told, shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _damaged(path: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged, cut short or no checkpoint: its content does not match its checksum; "
        "give another path, or delete it to begin anew"
    )
