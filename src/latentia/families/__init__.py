"""Densities of all K components at once, for mixtures and every other latent structure.

The names below are imported when first used.
"""

from typing import TYPE_CHECKING

from latentia.engine.lazy import on_demand

if TYPE_CHECKING:
    from .beta import Beta
    from .binomial import Bernoulli, Binomial
    from .categorical import Categorical
    from .dirichlet import Dirichlet
    from .exponential import Exponential
    from .factor_analyzers import FactorAnalyzers
    from .family import Family
    from .gamma import Gamma
    from .gaussian_mixtures import GaussianMixtures
    from .inverse_gaussian import InverseGaussian
    from .lognormal import LogNormal
    from .multinomial import Multinomial
    from .negative_binomial import NegativeBinomial
    from .numerical import FromLogDensity
    from .poisson import Poisson
    from .product import Product
    from .student_t import StudentT
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
    "FactorAnalyzers",
    "Family",
    "FromLogDensity",
    "Gamma",
    "GaussianMixtures",
    "InverseGaussian",
    "LogNormal",
    "Multinomial",
    "NegativeBinomial",
    "Poisson",
    "Product",
    "StudentT",
    "Uniform",
    "VonMisesFisher",
    "Weibull",
]

_HOME_OF = {
    "Bernoulli": ".binomial",
    "Beta": ".beta",
    "Binomial": ".binomial",
    "Categorical": ".categorical",
    "Dirichlet": ".dirichlet",
    "Exponential": ".exponential",
    "FactorAnalyzers": ".factor_analyzers",
    "Family": ".family",
    "FromLogDensity": ".numerical",
    "Gamma": ".gamma",
    "GaussianMixtures": ".gaussian_mixtures",
    "InverseGaussian": ".inverse_gaussian",
    "LogNormal": ".lognormal",
    "Multinomial": ".multinomial",
    "NegativeBinomial": ".negative_binomial",
    "Poisson": ".poisson",
    "Product": ".product",
    "StudentT": ".student_t",
    "Uniform": ".uniform",
    "VonMisesFisher": ".von_mises_fisher",
    "Weibull": ".weibull",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
