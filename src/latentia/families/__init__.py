"""Densities of all K components at once, for mixtures and every other latent structure.

The names below are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .binomial import Bernoulli, Binomial
    from .categorical import Categorical
    from .family import Family
    from .multinomial import Multinomial
    from .negative_binomial import NegativeBinomial
    from .numerical import FromLogDensity
    from .poisson import Poisson
    from .product import Product

__all__ = [
    "Bernoulli",
    "Binomial",
    "Categorical",
    "Family",
    "FromLogDensity",
    "Multinomial",
    "NegativeBinomial",
    "Poisson",
    "Product",
]

_HOME_OF = {
    "Bernoulli": "binomial",
    "Binomial": "binomial",
    "Categorical": "categorical",
    "Family": "family",
    "FromLogDensity": "numerical",
    "Multinomial": "multinomial",
    "NegativeBinomial": "negative_binomial",
    "Poisson": "poisson",
    "Product": "product",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latentia.families' has no attribute {name!r}")
    value = getattr(import_module(f"latentia.families.{_HOME_OF[name]}"), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
