"""Times until an event that are known up to intervals: survival curves and regressions.

The names below are imported when first used.
"""

from typing import TYPE_CHECKING

from latentia.engine.lazy import on_demand

if TYPE_CHECKING:
    from .censored import CensoredModel
    from .estimator import CurveErrors, SelfConsistent
    from .model import SelfConsistentModel
    from .regression import CensoredRegression

__all__ = [
    "CensoredModel",
    "CensoredRegression",
    "CurveErrors",
    "SelfConsistent",
    "SelfConsistentModel",
]

_HOME_OF = {
    "CensoredModel": ".censored",
    "CensoredRegression": ".regression",
    "CurveErrors": ".estimator",
    "SelfConsistent": ".estimator",
    "SelfConsistentModel": ".model",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
