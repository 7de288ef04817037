"""Tables of categories, and of categories and numbers, with holes.

The names below are imported when first used.
"""

from typing import TYPE_CHECKING

from latentia.engine.lazy import on_demand

if TYPE_CHECKING:
    from .base import CellErrors
    from .estimators import GeneralLocation, GoodnessOfFit, LogLinear
    from .imputer import MixedImputer
    from .model import CellModel

__all__ = [
    "CellErrors",
    "CellModel",
    "GeneralLocation",
    "GoodnessOfFit",
    "LogLinear",
    "MixedImputer",
]

_HOME_OF = {
    "CellErrors": ".base",
    "CellModel": ".model",
    "GeneralLocation": ".estimators",
    "GoodnessOfFit": ".estimators",
    "LogLinear": ".estimators",
    "MixedImputer": ".imputer",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
