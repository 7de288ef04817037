"""The engine: climbs the likelihood of any model; knows none."""

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
