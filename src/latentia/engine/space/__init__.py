"""What each parameter of a model may be; coordinates in which all of it is free."""

from .constraint import (
    Constraint,
    DegenerateError,
    LeafChart,
    OutOfChartError,
    Rebinding,
    contains,
)
from .elementwise import Fixed, Interval, Positive, Real
from .last_apart import LastApart
from .linear import Coefficients, Contrasts
from .matrices import Orthogonal, PositiveDefinite, UnitProduct, raise_eigenvalues
from .simplex import Simplex
from .wrappers import Masked, Tied

__all__ = [
    "Coefficients",
    "Constraint",
    "Contrasts",
    "DegenerateError",
    "Fixed",
    "Interval",
    "LastApart",
    "LeafChart",
    "Masked",
    "Orthogonal",
    "OutOfChartError",
    "Positive",
    "PositiveDefinite",
    "Real",
    "Rebinding",
    "Simplex",
    "Tied",
    "UnitProduct",
    "contains",
    "raise_eigenvalues",
]
