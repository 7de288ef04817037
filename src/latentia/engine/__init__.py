"""The engine: climbs the likelihood of any model; knows none."""

from .certificate import Certificate, Optimum, Status
from .em import (
    EM,
    DecreasedWarning,
    DegenerateFitError,
    Fit,
    NotConvergedWarning,
)
from .model import Chunk, Model, Source, Suff

__all__ = [
    "EM",
    "Certificate",
    "Chunk",
    "DecreasedWarning",
    "DegenerateFitError",
    "Fit",
    "Model",
    "NotConvergedWarning",
    "Optimum",
    "Source",
    "Status",
    "Suff",
]
