"""Finite mixtures.

The names below are imported when first used: a fit needs no more than its own kind.
"""

from typing import TYPE_CHECKING

from latentia.engine.lazy import on_demand

if TYPE_CHECKING:
    from .bayesian import BayesianGaussianMixture
    from .errors import DataWarning
    from .estimator import GaussianMixture
    from .general import Mixture
    from .inference import StandardErrors
    from .merging import Merging, merge_components
    from .model import Membership, MixtureModel, MixtureParams
    from .parameters import MixtureErrors
    from .regions import Region, highest_density_regions

__all__ = [
    "BayesianGaussianMixture",
    "DataWarning",
    "GaussianMixture",
    "Membership",
    "Merging",
    "Mixture",
    "MixtureErrors",
    "MixtureModel",
    "MixtureParams",
    "Region",
    "StandardErrors",
    "highest_density_regions",
    "merge_components",
]

_HOME_OF = {
    "BayesianGaussianMixture": ".bayesian",
    "DataWarning": ".errors",
    "GaussianMixture": ".estimator",
    "Membership": ".model",
    "Merging": ".merging",
    "Mixture": ".general",
    "MixtureErrors": ".parameters",
    "MixtureModel": ".model",
    "MixtureParams": ".model",
    "Region": ".regions",
    "StandardErrors": ".inference",
    "highest_density_regions": ".regions",
    "merge_components": ".merging",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
