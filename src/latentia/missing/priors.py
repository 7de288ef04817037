"""What is believed of single cells that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from . import scales
from .design import Design
from .scales import Scale

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class CellPrior(NamedTuple):
    """A normal distribution that a missing cell is believed to come from.

    Attributes
    ----------
    row : int or None
        Of the table of the fit; None for every cell of the column that is missing.
    column : str or int
    mean, sd : float
        On the scale on which the column is modelled: of logarithms, where `transforms` says so.

    References
    ----------
    Honaker & King (2010), American Journal of Political Science 54, 561-581, sec. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import EMImputer
    >>> x = np.column_stack([np.arange(8.0), [0.1, 0.9, 2.2, 2.8, 4.1, 5.0, 6.1, np.nan]])
    >>> EMImputer(ridge=0, priors=[CellPrior(7, 1, 3.0, 0.001)]).fit_transform(x)[7].round(2)
    array([7., 3.])
    """

    row: int | None
    column: Any
    mean: float
    sd: float


class CellRange(NamedTuple):
    """A range in which a missing cell is believed to be, in the user's units.

    Attributes
    ----------
    row, column
        As in `CellPrior`.
    low, high : float
    confidence : float, default=0.9
        How probable it is that the cell lies between; of the normal distribution on the scale on
        which the column is modelled.
    """

    row: int | None
    column: Any
    low: float
    high: float
    confidence: float = 0.9


class Beliefs(NamedTuple):
    """Priors by number of row and column, on the model's scales.

    Attributes
    ----------
    rows : array of int, shape (p,)
        -1 for every row.
    columns : array of int, shape (p,)
        In the table.
    means, variances : array of shape (p,)
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    means: Array
    variances: Array

    def spread(self, hidden: Mask, same_table: bool) -> tuple[Array, Array]:
        """Means and variances by cell, nan and 0 where nothing is believed, both (n, d).

        Those of single rows are left out of another table than that of the fit; they go before
        those of whole columns, and of two of one cell the last one counts.
        """
        told, variance = np.full(hidden.shape, np.nan), np.zeros(hidden.shape)
        for p in np.argsort(self.rows >= 0, kind="stable"):
            i, j = self.rows[p], self.columns[p]
            if i >= 0 and not same_table:
                continue
            where: Any = np.flatnonzero(hidden[:, j]) if i < 0 else [i]
            told[where, j], variance[where, j] = self.means[p], self.variances[p]
        return told, variance


def beliefs_of(
    priors: Sequence[Any], hidden: Mask, used: Sequence[Scale | None], names: Sequence[str]
) -> Beliefs:
    """What is believed of the cells of a table.

    Parameters
    ----------
    priors : sequence of CellPrior or CellRange
    hidden : array of bool, shape (n, d)
        Which cells are missing.
    used : sequence of Scale or None
        The scale of each column; None for those that are not modelled as numbers.
    names : sequence of str

    Raises
    ------
    ValueError
        If a cell is not there or not missing, or if numbers make no sense.
    """
    rows, columns, means, variances = [], [], [], []
    for prior in priors:
        if not isinstance(prior, CellPrior | CellRange):
            raise ValueError(f"got {prior!r} in priors, expected CellPrior or CellRange")
        j = scales.position(prior.column, names, "priors")
        scale = used[j]
        if scale is None:
            raise ValueError(
                f"got a prior on column {names[j]!r}, which is not modelled as numbers that vary; "
                "expected one of the others"
            )
        mean, sd = _normal(prior, scale)
        rows.append(_row(prior, hidden, j, names[j]))
        columns.append(j)
        means.append(mean)
        variances.append(sd**2)
    return Beliefs(
        np.array(rows, dtype=np.intp),
        np.array(columns, dtype=np.intp),
        np.array(means, dtype=np.float64),
        np.array(variances, dtype=np.float64),
    )


def of_rows(
    beliefs: Beliefs, design: Design, hidden: Mask, same_table: bool
) -> tuple[Array, Array]:
    """What is believed of the cells of the model's rows, (n, p) each; see `Beliefs.spread`."""
    told, variance = beliefs.spread(hidden, same_table)
    used = design.columns.modelled
    more = (len(told), design.size - len(used))
    return (
        np.hstack([told[:, used], np.full(more, np.nan)]),
        np.hstack([variance[:, used], np.zeros(more)]),
    )


def _row(prior: Any, hidden: Mask, j: int, name: str) -> int:
    if prior.row is None:
        return -1
    if not 0 <= prior.row < len(hidden):
        raise ValueError(
            f"got a prior on row {prior.row} of column {name!r}, expected a row from 0 to "
            f"{len(hidden) - 1}, or None for all"
        )
    if not hidden[prior.row, j]:
        raise ValueError(
            f"got a prior on row {prior.row} of column {name!r}, where a value was seen; expected "
            "a missing cell"
        )
    return int(prior.row)


def _normal(prior: Any, scale: Scale) -> tuple[float, float]:
    """Mean and standard deviation on the scale of the model."""
    if isinstance(prior, CellPrior):
        if not (np.isfinite(prior.mean) and np.isfinite(prior.sd) and prior.sd > 0):
            raise ValueError(f"got {prior!r}, expected a finite mean and an sd above 0")
        return float(prior.mean), float(prior.sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = scale.into(np.array([prior.low, prior.high], dtype=np.float64))
    if not (np.isfinite([low, high]).all() and low < high and 0 < prior.confidence < 1):
        raise ValueError(
            f"got {prior!r}, expected two numbers that the column can have, the lower one first, "
            "and a confidence between 0 and 1"
        )
    return float(low + high) / 2, float(high - low) / (2 * float(ndtri((1 + prior.confidence) / 2)))
