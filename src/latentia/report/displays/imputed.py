"""What was imputed beside what was seen, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import counted, shorten
from .canvas import PALETTE, bins, new_figure, tidy

MOST_COLUMNS, FEW, ENOUGH = 12, 12, 20
"""Columns drawn; different values up to which each has bars of its own; cells of an imputation
from which on it has a line of its own."""


class ImputedDisplay:
    """Distributions of the values that were seen and of those that were imputed.

    They need not be alike: where values are missing at random, those that are missing may be
    larger or smaller than the others. A difference that nothing in the data explains is what to
    look for.

    Parameters
    ----------
    filled : sequence of Filled
        Name, values seen (s,), imputed (m, h), and labels of categories, for each column.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> column = ("size", np.arange(9.0), np.array([[2.0, 3.5]]), ())
    >>> len(ImputedDisplay(filled=[column]).plot().axes_)
    1
    """

    def __init__(self, *, filled: Sequence[Any]) -> None:
        self.filled = list(filled)

    def plot(self, *, figure: Any = None) -> ImputedDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        ImputedDisplay
        """
        shown = self.filled[:MOST_COLUMNS]
        across = min(len(shown), 3)
        down = -(-len(shown) // across)
        figure = new_figure(figure, (2.9 * across + 0.3, 2.3 * down + 0.4))
        axes = np.atleast_1d(figure.subplots(down, across, squeeze=False)).ravel()
        for ax, column in zip(axes, shown, strict=False):
            _one(ax, *column)
        for ax in axes[len(shown) :]:
            ax.set_visible(False)
        axes[0].legend(frameon=False, fontsize="small")
        left = len(self.filled) - len(shown)
        if left:
            figure.suptitle(f"{counted(left, 'column')} not drawn", fontsize="small")
        self.axes_, self.figure_ = axes[: len(shown)], figure
        return self


def _one(ax: Any, name: str, seen: Any, imputed: Any, labels: Sequence[str]) -> None:
    both = np.unique(np.concatenate([seen, imputed.ravel()]))
    if labels or len(both) <= FEW:
        _bars(ax, both, seen, imputed, labels)
    else:
        edges = bins(np.concatenate([seen, imputed.ravel()]))
        ax.hist(seen, edges, density=True, color=PALETTE[0], alpha=0.35, label="seen")
        line = {"density": True, "histtype": "step", "color": PALETTE[1]}
        if len(imputed) > 1 and imputed.shape[1] >= ENOUGH:
            for values in imputed[:20]:
                ax.hist(values, edges, linewidth=0.7, alpha=0.4, **line)
        ax.hist(imputed.ravel(), edges, linewidth=1.6, label="imputed", **line)
    cells = counted(imputed.shape[1], "cell")
    ax.set_title(
        f"{shorten(name, 24)}: {cells} imputed", fontsize="small", loc="left", parse_math=False
    )
    ax.set_yticks([])
    tidy(ax)
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize="small")
    if not labels and len(both) > FEW:
        ax.locator_params(axis="x", nbins=5)


def _bars(ax: Any, values: Any, seen: Any, imputed: Any, labels: Sequence[str]) -> None:
    at = np.arange(len(values))
    for values_of, side, colour, name in (
        (seen, -0.2, PALETTE[0], "seen"),
        (imputed.ravel(), 0.2, PALETTE[1], "imputed"),
    ):
        share = (values_of[:, None] == values).mean(axis=0)
        ax.bar(at + side, share, width=0.36, color=colour, alpha=0.8, label=name)
    named = [labels[int(v)] if labels else f"{v:g}" for v in values]
    turn = 90 if sum(map(len, named)) > 24 else 0
    ax.set_xticks(at, [shorten(name, 12) for name in named], rotation=turn, parse_math=False)
