"""The engine: climbs the likelihood of any model; knows none.

The names below are imported when first used: a fit needs no more than its own part.
"""

from typing import TYPE_CHECKING

from .lazy import on_demand

if TYPE_CHECKING:
    from .certificate import Certificate, Optimum, Status
    from .check import Checks, ModelFault, check_model
    from .checkpoint import CheckpointError
    from .em import EM
    from .fit import DecreasedWarning, DegenerateFitError, Fit, NotConvergedWarning
    from .model import Chunk, Model, Source, Suff
    from .online import WarmUp

__all__ = [
    "EM",
    "Certificate",
    "CheckpointError",
    "Checks",
    "Chunk",
    "DecreasedWarning",
    "DegenerateFitError",
    "Fit",
    "Model",
    "ModelFault",
    "NotConvergedWarning",
    "Optimum",
    "Source",
    "Status",
    "Suff",
    "WarmUp",
    "check_model",
]

_HOME_OF = {
    "Certificate": ".certificate",
    "CheckpointError": ".checkpoint",
    "Checks": ".check",
    "Chunk": ".model",
    "DecreasedWarning": ".fit",
    "DegenerateFitError": ".fit",
    "EM": ".em",
    "Fit": ".fit",
    "Model": ".model",
    "ModelFault": ".check",
    "NotConvergedWarning": ".fit",
    "Optimum": ".certificate",
    "Source": ".model",
    "Status": ".certificate",
    "Suff": ".model",
    "WarmUp": ".online",
    "check_model": ".check",
}


__getattr__ = on_demand(globals(), _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
