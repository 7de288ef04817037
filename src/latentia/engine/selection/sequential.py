"""When a Monte Carlo test may stop, and its p-value (Besag & Clifford 1991)."""

from __future__ import annotations

import math

from ..inference.asked import probability


def enough_exceedances(replicates: int, level: float) -> int:
    """The least number of replicates at or above the statistic that rules out a rejection.

    From then on neither the whole run nor the p-value of stopping now can be at or below `level`,
    so the decision is that of the whole run.

    Parameters
    ----------
    replicates : int
        At most.
    level : float

    Raises
    ------
    ValueError
        If so few replicates can never reject.

    Examples
    --------
    >>> enough_exceedances(99, 0.05)
    5
    """
    level = probability("level", level)
    least = math.ceil(1 / level - 1e-9) - 1
    if replicates < least:
        raise ValueError(
            f"got replicates={replicates!r}, which cannot reach level {level:g}; expected at "
            f"least {least}"
        )
    enough = math.floor(level * (replicates + 1) + 1e-9)  # against rounding of the product
    return enough if enough > level * replicates else enough + 1


def p_value(exceedances: int, made: int, replicates: int) -> float:
    """Of a run that made `made` of `replicates` (Besag & Clifford 1991, sec. 2).

    The whole run: (b + 1) / (B + 1), the data counting as one draw of their own distribution.
    One that stopped at its h-th exceedance: h over the replicates made.
    """
    if made < replicates:
        return exceedances / made
    return (exceedances + 1) / (replicates + 1)
