"""Few dimensions behind many columns: factor analysis and probabilistic principal components.

The names below are imported when first used.
"""

from typing import TYPE_CHECKING

from latentia.engine.lazy import on_demand

if TYPE_CHECKING:
    from .analysis import FactorAnalysis
    from .factor_errors import FactorErrors
    from .goodness import FitTest
    from .model import FactorModel
    from .parallel import ParallelAnalysis, parallel_analysis
    from .principal import ProbabilisticPCA
    from .principal_errors import PrincipalErrors
    from .principal_model import PrincipalModel
    from .rotation import rotated

__all__ = [
    "FactorAnalysis",
    "FactorErrors",
    "FactorModel",
    "FitTest",
    "ParallelAnalysis",
    "PrincipalErrors",
    "PrincipalModel",
    "ProbabilisticPCA",
    "parallel_analysis",
    "rotated",
]

_HOME_OF = {
    "FactorAnalysis": ".analysis",
    "FactorErrors": ".factor_errors",
    "FactorModel": ".model",
    "FitTest": ".goodness",
    "ParallelAnalysis": ".parallel",
    "PrincipalErrors": ".principal_errors",
    "PrincipalModel": ".principal_model",
    "ProbabilisticPCA": ".principal",
    "parallel_analysis": ".parallel",
    "rotated": ".rotation",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
