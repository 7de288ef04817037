"""Which compiled form makes a Gaussian pass: the one file that states the rule.

The numbers were measured on two cores with AVX-512; benchmarks/steps.py shows what comes of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

WORTH_COMPILING = 1_000_000
"""Below this many rows times components times (columns + 4), NumPy does without Numba.

Loading compiled code costs a few tenths of a second, once a process.
"""

WORTH_COMPILING_TOO = 30 * WORTH_COMPILING
"""The same for a second form, which is compiled only because some step met a thin component.

Where that is a step or two of a small fit, NumPy has long done it before a compiler is through.
"""

SMALL = 8
"""Columns up to which the code is unrolled for each number of them."""

SMALL_SINGLE = 4
"""The same for float32 and components of `MANY` or more."""

MANY = 16

MIDDLE = {False: ((8, 14), (MANY, 32), (None, 40)), True: ((8, 20), (None, 40))}
"""Columns up to which products of columns are laid out: by single precision or not, below so many
components. The more components share the products, the longer they pay."""

ILL = {False: 1e5, True: 1e3}
"""Precision, in the data's own unit, from which moments and distances are centred: by single
precision or not. Quadratic forms about the origin lose that factor of the digits there are."""


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

    @property
    def options(self) -> dict[str, Any]:
        """What `run` is told beside the rows and parameters."""
        return {} if self.room.startswith("full") else {"careful": self.careful}

    def load(self) -> Any:
        """The module, compiled or ready to compile."""
        return import_module(f"{__package__}.{self.room}")


def worth_compiling(n_rows: int, n_features: int, n_components: int) -> bool:
    """Whether a fit of so many rows is to use compiled code."""
    return _work(n_rows, n_features, n_components) >= WORTH_COMPILING


def form_of(
    structure: str,
    n_features: int,
    n_components: int,
    precision: float,
    single: bool,
    n_rows: int | None = None,
) -> Form | None:
    """The compiled form of a pass; None where NumPy is to do it.

    Parameters
    ----------
    structure : {"full", "tied", "diag", "spherical"}
    n_features, n_components : int
    precision : float
        The largest precision of any component in any direction, in the frame's unit.
    single : bool
        Whether the rows are in float32.
    n_rows : int, optional
        Rows of the chunk; a compiled form in any case if it is not given.
    """
    ill = not precision < ILL[single]
    if structure == "diag":
        return Form("diagonal", careful=ill)
    if structure in ("spherical", "tied"):
        return Form(structure, careful=ill)
    middle = next(d for k, d in MIDDLE[single] if k is None or n_components < k)
    if n_features > middle:
        return Form("full_large", centred=True, careful=ill)
    if ill:
        few = n_rows is not None and _work(n_rows, n_features, n_components) < WORTH_COMPILING_TOO
        return None if few else Form("full_large", centred=True, careful=True)
    small = SMALL_SINGLE if single and n_components >= MANY else SMALL
    return Form("full_small" if n_features <= small else "full_middle")


def _work(n_rows: int, n_features: int, n_components: int) -> int:
    return n_rows * n_components * (n_features + 4)
