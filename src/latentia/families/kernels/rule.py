"""Which compiled form makes a Gaussian pass: the one file that states the rule.

The numbers were measured by benchmarks/kernels.py; docs/benchmarks.md has its tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

WORTH_COMPILING = 1_000_000
"""Below this many rows times components times (columns + 4), NumPy does without Numba.

Loading compiled code costs a few tenths of a second, once a process.
"""

SMALL = 8
"""Columns up to which the code is unrolled for each number of them."""

MIDDLE = 23
"""Columns up to which products of columns are laid out for a matrix product."""

ILL = 1e5
"""Precision, in the data's own unit, from which moments and distances are centred.

The quadratic form about the origin loses that factor of the machine's precision.
"""


class Form(NamedTuple):
    """A way of making a pass.

    Attributes
    ----------
    room : str
        The module of this package whose `run` it is.
    centred : bool
        Whether first and second moments come back about the components' means.
    careful : bool
        Whether some component is so thin that sums about zero in single floats would cancel.
    """

    room: str
    centred: bool = False
    careful: bool = False

    def load(self) -> Any:
        """The module, compiled or ready to compile."""
        return import_module(f"{__package__}.{self.room}")


def worth_compiling(n_rows: int, n_features: int, n_components: int) -> bool:
    """Whether a fit of so many rows is to use compiled code."""
    return n_rows * n_components * (n_features + 4) >= WORTH_COMPILING


def form_of(structure: str, n_features: int, precision: float) -> Form:
    """The compiled form of a pass.

    Parameters
    ----------
    structure : {"full", "tied", "diag", "spherical"}
    n_features : int
    precision : float
        The largest precision of any component in any direction, in the frame's unit.
    """
    ill = not precision < ILL
    if structure == "diag":
        return Form("diagonal", careful=ill)
    if structure in ("spherical", "tied"):
        return Form(structure, careful=ill)
    if ill or n_features > MIDDLE:
        return Form("full_large", centred=True, careful=ill)
    return Form("full_small" if n_features <= SMALL else "full_middle")
