"""Densities of all K components at once, for mixtures and every other latent structure.

The names below are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .family import Family
    from .negative_binomial import NegativeBinomial
    from .poisson import Poisson

__all__ = [
    "Family",
    "NegativeBinomial",
    "Poisson",
]

_HOME_OF = {
    "Family": "family",
    "NegativeBinomial": "negative_binomial",
    "Poisson": "poisson",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latentia.families' has no attribute {name!r}")
    value = getattr(import_module(f"latentia.families.{_HOME_OF[name]}"), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
