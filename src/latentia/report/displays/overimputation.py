"""Values that were seen against what would have been imputed for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import counted, shorten
from .canvas import FAINT, INK, PALETTE, new_figure, sample, tidy

MOST_COLUMNS, MOST_POINTS = 12, 400
"""Columns, and values of each, that are drawn."""


class OverimputationDisplay:
    """For each value that was seen, the interval of what would have been imputed.

    A good model has the line of equality inside as many intervals as their level says, whatever
    the value: intervals that lie below it on the right and above it on the left are what little
    information looks like; bends and groups that lie off are what the model does not know.

    Parameters
    ----------
    overimputation : Overimputation

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import EMImputer, datasets
    >>> air = datasets.load("airquality").values[:, :4]
    >>> imputer = EMImputer(draw="bootstrap", n_imputations=5, random_state=0).fit(air)
    >>> len(imputer.plot.overimputation(air).axes_)
    4
    """

    def __init__(self, *, overimputation: Any) -> None:
        self.overimputation = overimputation

    def plot(self, *, figure: Any = None) -> OverimputationDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        OverimputationDisplay
        """
        found = self.overimputation
        names, coverage = found.columns[:MOST_COLUMNS], found.coverage()
        across = min(len(names), 3)
        down = -(-len(names) // across)
        figure = new_figure(figure, (2.9 * across + 0.3, 2.7 * down + 0.3))
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for j, (ax, name) in enumerate(zip(axes, names, strict=False)):
            mine = np.flatnonzero(found.column == j)
            mine = mine[sample(len(mine), MOST_POINTS)]
            held = found.covered[mine]
            for these, colour in ((mine[held], PALETTE[0]), (mine[~held], PALETTE[1])):
                ax.vlines(
                    found.truth[these], found.low[these], found.high[these],
                    color=colour, linewidth=0.8, alpha=0.4,
                )  # fmt: skip
                ax.plot(found.truth[these], found.expected[these], ".", color=colour, markersize=3)
            if len(mine):
                ends = [found.truth[mine].min(), found.truth[mine].max()]
                ax.plot(ends, ends, color=INK, linewidth=1)
            held_share = 100 * coverage.get(name, np.nan)
            ax.set_title(
                f"{shorten(name, 18)}: {held_share:.0f} % hold",
                fontsize="small",
                loc="left",
                parse_math=False,
            )
            tidy(ax)
            ax.tick_params(labelsize="small")
            ax.locator_params(nbins=5)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        figure.supxlabel("value that was seen", fontsize="small")
        figure.supylabel(f"what would be imputed, {100 * found.level:g} %", fontsize="small")
        left = len(found.columns) - len(names)
        if left:
            figure.suptitle(f"{counted(left, 'column')} not drawn", fontsize="small", color=FAINT)
        self.axes_, self.figure_ = axes[: len(names)], figure
        return self
