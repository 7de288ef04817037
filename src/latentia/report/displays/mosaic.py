"""Mosaics: the probabilities of a table of two columns as areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import Array, colour, one_axes


class MosaicDisplay:
    """A bar for each category of one column, as wide as it is probable, cut by another column.

    Parameters
    ----------
    probabilities : array of shape (L1, L2)
    categories : pair of sequences of str
    names : pair of str

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import LogLinear
    >>> table = LogLinear().fit([["yes", "a"], ["yes", "b"], ["no", "b"], ["no", "a"]])
    >>> MosaicDisplay.from_estimator(table).ax_.get_xlabel()
    'x0'
    """

    def __init__(
        self,
        *,
        probabilities: Array,
        categories: Sequence[Sequence[str]],
        names: Sequence[str],
    ) -> None:
        self.probabilities, self.categories, self.names = probabilities, categories, names

    @classmethod
    def from_estimator(
        cls, estimator: Any, columns: tuple[int, int] = (0, 1), *, ax: Any = None
    ) -> MosaicDisplay:
        """Draw two columns of categories of a fitted table, summed over all others.

        Parameters
        ----------
        estimator : LogLinear or GeneralLocation
            Fitted, with two columns of categories or more.
        columns : pair of int, default=(0, 1)
            Which of the columns of categories.
        ax : matplotlib Axes, optional

        Returns
        -------
        MosaicDisplay

        Raises
        ------
        ValueError
            If there are no two such columns.
        """
        names, categories = estimator._labels()
        i, j = columns
        if not (0 <= i < len(names) and 0 <= j < len(names) and i != j):
            raise ValueError(
                f"got columns={columns!r}, expected two different numbers from 0 to "
                f"{len(names) - 1}, of the columns of categories"
            )
        others = tuple(k for k in range(len(names)) if k not in (i, j))
        table = estimator.probabilities_.sum(axis=others)
        table = table if i < j else table.T
        made = cls(
            probabilities=table,
            categories=(categories[i], categories[j]),
            names=(names[i], names[j]),
        )
        return made.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> MosaicDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        MosaicDisplay
        """
        ax = one_axes(ax, (5.2, 3.8))
        widths = self.probabilities.sum(axis=1)
        edges = np.concatenate([[0.0], np.cumsum(widths)])
        below = np.zeros(len(widths))
        for k, label in enumerate(self.categories[1]):
            with np.errstate(invalid="ignore"):
                share = np.where(widths > 0, self.probabilities[:, k] / widths, 0.0)
            ax.bar(
                edges[:-1],
                share,
                widths,
                below,
                align="edge",
                color=colour(k),
                alpha=0.85,
                edgecolor="white",
                linewidth=1.5,
                label=label,
            )
            below = below + share
        ax.set_xticks((edges[:-1] + edges[1:]) / 2, self.categories[0])
        ax.set_xlim(0, edges[-1])
        ax.set_ylim(0, 1)
        ax.set_xlabel(self.names[0])
        ax.set_ylabel("share")
        ax.legend(title=self.names[1], frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        for side in ("top", "right", "left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.tick_params(length=0)
        self.ax_, self.figure_ = ax, ax.figure
        return self
