"""What the caller of a fit asks for, read and refused in one sentence where it makes no sense."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from .accelerate import ACCELERATORS, Accelerator
from .callbacks import Callback
from .fit import Fit
from .model import Chunk, Model, Source
from .online.warm_up import WarmUp
from .starts import Race
from .tree import leaves


def number(name: str, value: object, least: float) -> float:
    """A number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise TypeError(f"got {name}={value!r}, expected a number of at least {least:g}")
    number = float(cast(Any, value))
    if not (np.isfinite(number) and number >= least):
        raise ValueError(f"got {name}={value!r}, expected a finite number of at least {least:g}")
    return number


def whole(name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"got {name}={value!r}, expected a whole number of at least {least}")
    if value < least:
        raise ValueError(f"got {name}={value!r}, expected a whole number of at least {least}")
    return int(cast(Any, value))


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """One of the values that are allowed."""
    if value not in allowed:
        raise ValueError(f"got {name}={value!r}, expected one of {', '.join(map(repr, allowed))}")
    return str(value)


def accelerator_of(value: Any) -> Accelerator[Any]:
    """The accelerator that a setting names or is."""
    if isinstance(value, Accelerator):
        return cast(Accelerator[Any], value)
    if isinstance(value, str) and value in ACCELERATORS:
        return ACCELERATORS[value]()
    names = ", ".join(map(repr, ACCELERATORS))
    raise ValueError(f"got accelerate={value!r}, expected one of {names} or an Accelerator")


def check_call(model: Any, data: Any, resume: Any) -> None:
    """Refuse what is no model, no data, or no fit to go on from."""
    if not isinstance(model, Model):
        got = model.__qualname__ if isinstance(model, type) else repr(model)
        raise TypeError(f"got model={_short(got)}, expected an instance of Model")
    if isinstance(data, type) or not isinstance(data, (Source, Chunk)):
        raise TypeError(
            f"got data of type {type(data).__name__}, expected a Chunk or a Source; wrap an "
            "array as Rows.of(x)"
        )
    if resume is not None and not isinstance(resume, Fit):
        raise TypeError(f"got resume={_short(repr(resume))}, expected a Fit of the same model")


def given_starts(space: Any, start: Any) -> list[Any] | None:
    """The starts as a list, each of the structure of the space."""
    if start is None:
        return None
    shown: Any = start
    single = hasattr(start, "_fields") or not isinstance(start, Iterable)
    starts: list[Any] = [start] if single else list(cast(Iterable[Any], start))
    fields = getattr(space, "_fields", None)
    if not starts or any(getattr(each, "_fields", None) != fields for each in starts):
        raise TypeError(
            f"got start={_short(repr(shown))}, expected parameters of the type "
            f"{type(space).__name__}, or a list of such"
        )
    return starts


def same_place(starts: list[Any], params: Any) -> bool:
    """Whether the only start is where a fit ended."""
    return len(starts) == 1 and all(map(np.array_equal, leaves(starts[0]), leaves(params)))


def callbacks_of(value: Any) -> tuple[Callback, ...]:
    """The callbacks of a fit."""
    told = _short(repr(value))
    each: tuple[Any, ...] = tuple(cast(Any, value)) if isinstance(value, Iterable) else (None,)
    if any(isinstance(one, type) or not isinstance(one, Callback) for one in each):
        raise TypeError(
            f"got callbacks={told}, expected objects with on_start, on_step and on_end, in a list"
        )
    return each


def _short(text: str, most: int = 80) -> str:
    """A value's text on one line, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def race_of(race: Any, short_runs: Any) -> Race | None:
    """The race that two settings ask for, or None."""
    steps = whole("short_runs", short_runs, 0)
    if race is not False and steps:
        raise ValueError(f"got race={race!r} and short_runs={steps}, expected one of them")
    if steps:
        return Race((steps,), 0.0, 1, 0.0)
    if isinstance(race, (bool, np.bool_)):
        return Race() if race else None
    said = f"got race={race!r}, expected True, False or a share between 0 and 1"
    if not isinstance(race, (int, float, np.floating, np.integer)):
        raise TypeError(said)
    keep = float(cast(Any, race))
    if not 0 < keep < 1:
        raise ValueError(said)
    return Race(keep=keep)


def anneal_of(value: Any) -> tuple[float, ...]:
    """Inverse temperatures."""
    said = f"got anneal={value!r}, expected inverse temperatures above 0 and at most 1"
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{said}, such as (0.5, 1.0)")
    betas = tuple(cast(Iterable[Any], value))
    if any(
        isinstance(beta, bool) or not isinstance(beta, (int, float, np.floating, np.integer))
        for beta in betas
    ):
        raise TypeError(said)
    if not all(0 < beta <= 1 for beta in betas):
        raise ValueError(said)
    return tuple(float(beta) for beta in betas)


def warm_up_of(value: Any) -> WarmUp | None:
    """The settings of a warm-up, or None."""
    if value is None or isinstance(value, WarmUp):
        return value
    raise TypeError(f"got warm_up={value!r}, expected a WarmUp or None")


def refuse_checkpoint(path: Any) -> None:
    """Refuse the checkpoint of several fits: each would find the file of another, and fail."""
    if path is not None:
        raise ValueError(
            f"got em.checkpoint={str(path)!r} for several fits, expected None; a checkpoint is of "
            "one fit"
        )


def path_of(value: Any) -> str | None:
    """The path of a checkpoint, or None."""
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)) and str(cast(Any, value)):
        return str(cast(Any, value))
    raise TypeError(f"got checkpoint={value!r}, expected the path of a file or None")
