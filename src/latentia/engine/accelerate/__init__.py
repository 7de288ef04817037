"""Methods that go further than one EM step, each one small class behind one interface."""

from typing import Any

from .anderson import Anderson
from .auto import Auto
from .interface import Accelerator, Here, Proposal
from .lbfgs import LBFGS
from .plain import Plain
from .quasi_newton import QuasiNewton
from .squarem import Squarem

ACCELERATORS: dict[str, type[Accelerator[Any]]] = {
    kind.name: kind for kind in (Auto, QuasiNewton, Squarem, Anderson, LBFGS, Plain)
}
"""By the names that `EM` takes."""

__all__ = [
    "ACCELERATORS",
    "LBFGS",
    "Accelerator",
    "Anderson",
    "Auto",
    "Here",
    "Plain",
    "Proposal",
    "QuasiNewton",
    "Squarem",
]
