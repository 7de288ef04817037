"""Data with holes: what can be estimated of them, and what fills them.

The names below are imported when first used.
"""

from typing import TYPE_CHECKING

from latentia.engine.lazy import on_demand

if TYPE_CHECKING:
    from .diagnostics import disperse, overimpute, shift_imputed
    from .draws import ChainWarning
    from .estimator import IncompleteNormal, NormalErrors
    from .imputer import EMImputer
    from .little import LittleTest
    from .model import NormalModel
    from .panel import Panel
    from .patterns import Patterns
    from .pooling import Pooled, pool
    from .priors import CellPrior, CellRange

__all__ = [
    "CellPrior",
    "CellRange",
    "ChainWarning",
    "EMImputer",
    "IncompleteNormal",
    "LittleTest",
    "NormalErrors",
    "NormalModel",
    "Panel",
    "Patterns",
    "Pooled",
    "disperse",
    "overimpute",
    "pool",
    "shift_imputed",
]

_HOME_OF = {
    "CellPrior": ".priors",
    "CellRange": ".priors",
    "ChainWarning": ".draws",
    "EMImputer": ".imputer",
    "IncompleteNormal": ".estimator",
    "LittleTest": ".little",
    "NormalErrors": ".estimator",
    "NormalModel": ".model",
    "Panel": ".panel",
    "Patterns": ".patterns",
    "Pooled": ".pooling",
    "disperse": ".diagnostics",
    "overimpute": ".diagnostics",
    "pool": ".pooling",
    "shift_imputed": ".diagnostics",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
