"""What is said of sequences that say too little for so many states."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from latentia.data.sequences import Ragged
from latentia.engine import Certificate
from latentia.mixture.errors import DataWarning

Array = NDArray[np.float64]

BLOCK = 1024
"""Steps that are looked at at a time."""


def different(x: Array, enough: int) -> int:
    """How many different steps with a known cell there are, as far as `enough`."""
    found = np.empty((0, x.shape[1]))
    for at in range(0, len(x), BLOCK):
        block = x[at : at + BLOCK]
        block = block[~np.isnan(block).all(axis=1)]
        found = np.unique(np.concatenate([found, block]), axis=0)
        if len(found) >= enough:
            return enough
    return len(found)


def constant(x: Array) -> int | None:
    """The first column that has the same value at every step where it has one; None without."""
    with np.errstate(invalid="ignore"):
        same = np.fmax.reduce(x, axis=0) == np.fmin.reduce(x, axis=0)
    return int(np.argmax(same)) if same.any() else None


def lack(ragged: Ragged, n_states: int) -> str:
    """What of the sequences leaves states without a spread of their own; empty if nothing is known.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.data.sequences import sequences
    >>> lack(sequences(np.array([3.0, 3.0, 3.0])), 1)
    'column 0 is constant (every value is 3)'
    >>> lack(sequences(np.array([1.0, 2.0, 1.0])), 2)
    'X has only 2 different steps for 2 states'
    """
    j = constant(ragged.x)
    if j is not None:
        name = f"column {j}" if ragged.columns is None else f"column {str(ragged.columns[j])!r}"
        value = float(np.fmax.reduce(ragged.x[:, j]))
        return f"{name} is constant (every value is {value:g})"
    found = different(ragged.x, n_states + 1)
    if found <= n_states:
        return f"X has only {found} different steps for {n_states} states"
    return ""


def of_few_steps(ragged: Ragged, n_states: int) -> None:
    """Warn whoever called `fit` where there are more states than steps."""
    n = int(np.count_nonzero(~np.isnan(ragged.x[: n_states + BLOCK]).all(axis=1)))
    if n >= n_states or len(ragged.x) > n_states + BLOCK:
        return
    warnings.warn(
        f"got {n} steps for {n_states} states: some states are never visited; use fewer states, or "
        "give more steps",
        DataWarning,
        stacklevel=3,
    )


def of_floors(ragged: Ragged, n_states: int, certificate: Certificate) -> None:
    """Warn whoever called `fit` where floors hold parameters up."""
    floors = certificate.active_floors
    if not floors:
        return
    why = lack(ragged, n_states) or "some state sits on too few different steps"
    shown = ", ".join(floors[:3]) + (", ..." if len(floors) > 3 else "")
    warnings.warn(
        f"{why}: a floor holds {shown} up, and the likelihood is only as high as that floor is "
        "low; use fewer states, drop the column, or raise the floor to what can be measured",
        DataWarning,
        stacklevel=3,
    )


def reason(ragged: Ragged, n_states: int, said: Callable[[str], str]) -> Callable[[str], str]:
    """What is said where every start collapsed, given the engine's reason, with what data lack."""
    why = lack(ragged, n_states)
    return said if not why else lambda told: f"{why[0].upper()}{why[1:]}. {said(told)}"
