"""Densities of all K components at once, for mixtures and every other latent structure.

The names below are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .beta import Beta
    from .binomial import Bernoulli, Binomial
    from .categorical import Categorical
    from .dirichlet import Dirichlet
    from .exponential import Exponential
    from .family import Family
    from .gamma import Gamma
    from .inverse_gaussian import InverseGaussian
    from .lognormal import LogNormal
    from .multinomial import Multinomial
    from .negative_binomial import NegativeBinomial
    from .numerical import FromLogDensity
    from .poisson import Poisson
    from .product import Product
    from .uniform import Uniform
    from .von_mises_fisher import VonMisesFisher
    from .weibull import Weibull

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Dirichlet",
    "Exponential",
    "Family",
    "FromLogDensity",
    "Gamma",
    "InverseGaussian",
    "LogNormal",
    "Multinomial",
    "NegativeBinomial",
    "Poisson",
    "Product",
    "Uniform",
    "VonMisesFisher",
    "Weibull",
]

_HOME_OF = {
    "Bernoulli": "binomial",
    "Beta": "beta",
    "Binomial": "binomial",
    "Categorical": "categorical",
    "Dirichlet": "dirichlet",
    "Exponential": "exponential",
    "Family": "family",
    "FromLogDensity": "numerical",
    "Gamma": "gamma",
    "InverseGaussian": "inverse_gaussian",
    "LogNormal": "lognormal",
    "Multinomial": "multinomial",
    "NegativeBinomial": "negative_binomial",
    "Poisson": "poisson",
    "Product": "product",
    "Uniform": "uniform",
    "VonMisesFisher": "von_mises_fisher",
    "Weibull": "weibull",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latentia.families' has no attribute {name!r}")
    value = getattr(import_module(f"latentia.families.{_HOME_OF[name]}"), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
