"""Arguments that the drop-ins for hmmlearn share: what they may be, and what is said of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

_log = logging.getLogger(__name__)

SHARED = {
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "startprob_prior": "no_validation",
    "transmat_prior": "no_validation",
    "algorithm": [StrOptions({"viterbi", "map"})],
    "random_state": ["random_state"],
    "n_iter": [Interval(Integral, 0, None, closed="left"), None],
    "tol": [Interval(Real, None, None, closed="neither")],
    "verbose": ["verbose"],
    "params": [str],
    "init_params": [str],
    "implementation": [StrOptions({"log", "scaling", "checkpointing"})],
    "em": [HasMethods(["fit", "get_params"]), None],
}
"""What the arguments that all of them have may be."""

CHAIN = {"s": "startprob_", "t": "transmat_"}
"""Attributes of the chain by their letters."""


@final
class Filled:
    """An argument that reads as what a fit found where it was not given, as hmmlearn's do.

    What was given is what `get_params` tells and the next fit goes by.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        value = as_given(estimator, self.name)
        return vars(estimator).get(f"_found_{self.name}") if value is None else value

    def __set__(self, estimator: Any, value: Any) -> None:
        vars(estimator)[f"_given_{self.name}"] = value


def as_given(estimator: Any, name: str) -> Any:
    """An argument that is `Filled`, as it was given."""
    return vars(estimator).get(f"_given_{name}")


def given(estimator: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that are told, less what fits filled in."""
    kept = vars(estimator)
    return {name: kept.get(f"_given_{name}", value) for name, value in told.items()}


def found(estimator: Any) -> dict[str, Any]:
    """Arrays that a fit found for arguments that are `Filled`."""
    return {
        name.removeprefix("_found_"): value
        for name, value in vars(estimator).items()
        if name.startswith("_found_") and isinstance(value, np.ndarray)
    }


def fill(estimator: Any, name: str, value: Any) -> None:
    """What a fit found for an argument that is `Filled`."""
    vars(estimator)[f"_found_{name}"] = value


def broadcast(name: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An argument as an array of this shape, which one number or fewer axes stand for.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    given = np.asarray(value, dtype=np.float64)
    try:
        return np.broadcast_to(given, shape)
    except ValueError:
        raise ValueError(
            f"got {name} of shape {given.shape}, expected one number, or an array of shape {shape}"
        ) from None


def require_letters(estimator: Any, known: set[str]) -> None:
    """Refuse letters of `params` and `init_params` that stand for nothing."""
    for name in ("params", "init_params"):
        asked = getattr(estimator, name)
        if not set(asked) <= known:
            raise ValueError(
                f"got {name}={asked!r}, expected letters of {''.join(sorted(known))!r} alone"
            )


def tell_overwritten(estimator: Any, attributes: Mapping[str, str]) -> None:
    """Log which attributes a user has set for nothing, as `init_params` has their letters."""
    for letter in sorted(set(attributes) & set(estimator.init_params)):
        name = attributes[letter]
        if hasattr(estimator, name):
            _log.warning(
                "%s was set and will be overwritten, as init_params=%r has %r; leave that "
                "letter out to start from what was set",
                name,
                estimator.init_params,
                letter,
            )


def tell_few(x: Any, n_free: int) -> None:
    """Log, as hmmlearn does, where there are more free parameters than cells."""
    if np.size(x) < n_free:
        _log.warning(
            "%d free parameters for %d cells of data: expect a degenerate solution; give more "
            "data, or fewer states",
            n_free,
            np.size(x),
        )
