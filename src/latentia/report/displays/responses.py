"""How each class of a latent class model answers each item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import FIRST_GROUP, shorten
from ..summary import column_names
from .canvas import INK, Array, new_figure, tidy
from .panels import name_left_out

LIGHT, DARK = (0.93, 0.93, 0.93), (0.0, 0.30, 0.50)
"""Shades of the first and the last category of an item."""

MOST_NAMED = 6
"""Categories of an item that a legend names."""


class ItemResponsesDisplay:
    """A panel an item: a bar for each class, stacked by the probabilities of the answers.

    Parameters
    ----------
    probabilities : sequence of arrays of shape (K, L_j)
    items : sequence of str
    categories : sequence of sequences of str
    weights : array of shape (K,)
        Sizes of the classes.
    left_out : sequence of str
        Items that are not drawn.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import LatentClass, datasets
    >>> fitted = LatentClass(2, random_state=0).fit(datasets.load("carcinoma").values)
    >>> len(ItemResponsesDisplay.from_estimator(fitted).axes_)
    7
    """

    def __init__(
        self,
        *,
        probabilities: Sequence[Array],
        items: Sequence[str],
        categories: Sequence[Sequence[str]],
        weights: Array,
        left_out: Sequence[str] = (),
    ) -> None:
        self.probabilities, self.items = list(probabilities), list(items)
        self.categories, self.weights = list(categories), weights
        self.left_out = list(left_out)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, columns: Any = None, figure: Any = None, max_items: int = 12
    ) -> ItemResponsesDisplay:
        """Draw a fitted latent class model.

        Parameters
        ----------
        estimator : LatentClass
            Fitted.
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional
            Draw here rather than in a new figure.
        max_items : int, default=12
            Of more items, the first are drawn.

        Returns
        -------
        ItemResponsesDisplay
        """
        items = estimator.item_names(column_names(estimator, columns))
        display = cls(
            probabilities=estimator.probabilities_[:max_items],
            items=items[:max_items],
            categories=estimator.category_names()[:max_items],
            weights=np.asarray(estimator.weights_, dtype=float),
            left_out=items[max_items:],
        )
        return display.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> ItemResponsesDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        ItemResponsesDisplay
        """
        d = len(self.items)
        across = min(d, 4)
        down = -(-d // across)
        figure = new_figure(figure, (2.6 * across + 0.6, 2.6 * down))
        for j in range(d):
            ax = figure.add_subplot(down, across, j + 1)
            self._panel(ax, j, first=j % across == 0, last=j >= d - across)
        name_left_out(figure, self.left_out)
        self.figure_, self.axes_ = figure, np.array(figure.axes, dtype=object)
        return self

    def _panel(self, ax: Any, j: int, *, first: bool, last: bool) -> None:
        shares, named = self.probabilities[j], self.categories[j]
        k, levels = shares.shape
        below = np.zeros(k)
        for c in range(levels):
            ax.bar(
                np.arange(k),
                shares[:, c],
                bottom=below,
                width=0.82,
                color=_shade(c, levels),
                edgecolor="white",
                linewidth=0.5,
                label=shorten(named[c], 16).replace("$", r"\$"),
            )
            below += shares[:, c]
        ax.set_ylim(0, 1)
        ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"] if first else ["", "", ""])
        groups = [str(t + FIRST_GROUP) for t in range(k)]
        sizes = [f"{g}\n{100 * w:.0f} %" for g, w in zip(groups, self.weights, strict=True)]
        ax.set_xticks(np.arange(k), sizes if last and k <= 4 else groups, fontsize="small")
        if last:
            ax.set_xlabel("group", fontsize="small", color=INK)
        if first:
            ax.set_ylabel("probability", fontsize="small", color=INK)
        ax.set_title(shorten(self.items[j], 22), fontsize="medium", loc="left", parse_math=False)
        tidy(ax)
        if levels <= MOST_NAMED:
            ax.legend(
                frameon=False,
                fontsize="x-small",
                loc="upper left",
                bbox_to_anchor=(1.0, 1.02),
                borderaxespad=0.0,
                handlelength=0.8,
                handletextpad=0.4,
                reverse=True,
            )


def _shade(c: int, levels: int) -> tuple[float, ...]:
    """Category c of so many, from light to dark."""
    at = c / max(levels - 1, 1)
    return tuple(a + at * (b - a) for a, b in zip(LIGHT, DARK, strict=True))
