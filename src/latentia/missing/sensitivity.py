"""What becomes of a result if missing values differ from what the model expects of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pooling import Pooled, pool

Array = NDArray[np.float64]


class Sensitivity(NamedTuple):
    """Pooled estimates at several shifts of what was imputed.

    Attributes
    ----------
    column : str
        Whose imputed values were shifted.
    shifts : array of shape (s,)
    unit : {"value", "sd"}
        What shifts are in: the column's units, or standard deviations of what was seen.
    pooled : list of Pooled
        The estimates at each shift.
    names : tuple of str
        Of the estimates.
    level : float
        Of the intervals that are shown.
    """

    column: str
    shifts: Array
    unit: str
    pooled: list[Pooled]
    names: tuple[str, ...]
    level: float = 0.95

    def values(self) -> tuple[Array, Array, Array]:
        """Estimates, and the ends of their intervals, each of shape (s, e)."""
        every = [np.atleast_1d(each.estimate) for each in self.pooled]
        ends = [[np.atleast_1d(e) for e in each.interval(self.level)] for each in self.pooled]
        low, high = zip(*ends, strict=True)
        return np.array(every), np.array(low), np.array(high)

    def tipping(self) -> dict[str, float]:
        """The smallest shift, either way, at which an interval holds 0 or no longer does.

        Against how it is at the shift nearest to none, by the estimate's name; nan where that
        does not change on the grid.
        """
        _, low, high = self.values()
        holds = (low <= 0) & (high >= 0)
        none = int(np.argmin(np.abs(self.shifts)))
        found: dict[str, float] = {}
        for e, name in enumerate(self.names):
            other = self.shifts[holds[:, e] != holds[none, e]]
            found[name] = float(other[np.argmin(np.abs(other))]) if other.size else np.nan
        return found

    def __str__(self) -> str:
        value, low, high = self.values()
        unit = "so many standard deviations" if self.unit == "sd" else "so much"
        lines = [f"What was imputed in {self.column}, shifted by {unit}"]
        heads = ["shift", "", "estimate", f"{100 * self.level:g} % from", "to"]
        cells = [heads]
        for i, shift in enumerate(self.shifts):
            for e, name in enumerate(self.names):
                numbers = (value[i, e], low[i, e], high[i, e])
                cells.append([f"{shift:g}", name, *(f"{number:.5g}" for number in numbers)])
        wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            text = [c.rjust(w) for c, w in zip(line, wide, strict=True)]
            text[1] = line[1].ljust(wide[1])
            lines.append("  ".join(text).rstrip())
        return "\n".join(lines)


def shifted_estimates(
    tables: Callable[[float], Iterable[Any]],
    shifts: Sequence[float],
    estimate: Callable[[Any], tuple[Any, ...]],
) -> list[Pooled]:
    """Estimates pooled at each shift.

    Parameters
    ----------
    tables : callable
        tables(shift) -> the imputed tables, those of all shifts drawn from the same numbers.
    shifts : sequence of float
    estimate : callable
        estimate(table) -> estimates, their variances, and, if there are three, the degrees of
        freedom of complete data.
    """
    made: list[Pooled] = []
    for shift in shifts:
        found = [tuple(estimate(table)) for table in tables(float(shift))]
        if any(len(each) not in (2, 3) for each in found):
            raise ValueError(
                "got something else from estimate(table), expected estimates, their variances and, "
                "if you like, degrees of freedom"
            )
        df = found[0][2] if len(found[0]) == 3 else np.inf
        made.append(pool([each[0] for each in found], [each[1] for each in found], df))
    return made
