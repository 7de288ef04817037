"""Checkpoints: what a fit needs to go on to the same bits, in one file that runs no code.

A safetensors file. Its one string of metadata is JSON: what the fit is of, how far each start
has come, and a SHA-256 of all of it and of the arrays. Trees are written leaf by leaf and put
together again after the model's space and the accelerator's own state.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np

from .certificate import Status
from .edges import Edges
from .evaluator import Evaluator
from .identity import anything, evidence, identity
from .starts import Progress, Settings, Standing
from .stopping import Progress as Stopping
from .trace import Climb, ClimbState, Trace
from .tree import Tree
from .treefile import CheckpointError, damaged, flattened, put_together, read, write

_NUMBERS = ("objective", "remaining_gain", "em_rate", "largest_fall", "score_norm", "rounding")


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
            raise damaged(self.path) from error

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
        old, new = anything(there), anything(here)
        return [
            each
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
            for each in _differences(f"{name}.{key}" if name else key, old.get(key), new.get(key))
        ]
    return [f"{name}={_short(there)} there, {_short(here)} here"] if name else []


def _short(value: Any) -> str:
    text = repr(anything(value))
    return text if len(text) <= 50 else f"{text[:47]}..."


def _encoded(progress: Progress) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    arrays: dict[str, np.ndarray[Any, Any]] = {}

    def put(name: str, value: Tree) -> list[Any]:
        parts, kinds = flattened(value)
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
        return put_together(shape, [arrays[f"{name}.{j}"] for j in range(len(kinds))], kinds)

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
