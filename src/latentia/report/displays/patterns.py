"""Patterns of holes: which cells are missing together, and in how many rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import counted, shorten, whole
from .canvas import FAINT, GRID, PALETTE, new_figure, tidy

MOST_PATTERNS, MOST_COLUMNS = 24, 40
"""Patterns and columns that are drawn."""


class PatternsDisplay:
    """The most frequent patterns as lines of cells, seen or missing, with how many rows have each.

    Parameters
    ----------
    patterns : Patterns
        As `IncompleteNormal.patterns_` has them.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
        The cells, and the bars of the rows.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import IncompleteNormal, datasets
    >>> normal = IncompleteNormal().fit(datasets.load("airquality").values)
    >>> PatternsDisplay.from_estimator(normal).patterns.rows
    array([111.,  35.,   5.,   2.])
    """

    def __init__(self, *, patterns: Any) -> None:
        self.patterns = patterns

    @classmethod
    def from_estimator(cls, estimator: Any, *, figure: Any = None) -> PatternsDisplay:
        """Draw the patterns of the rows that an estimator was fitted to.

        Parameters
        ----------
        estimator : IncompleteNormal
            Fitted.
        figure : matplotlib Figure, optional
            Draw here rather than in a new figure.

        Returns
        -------
        PatternsDisplay
        """
        return cls(patterns=estimator.patterns_).plot(figure=figure)

    def plot(self, *, figure: Any = None) -> PatternsDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        PatternsDisplay
        """
        columns, seen, rows, missing = self.patterns
        seen, rows = seen[:MOST_PATTERNS, :MOST_COLUMNS], rows[:MOST_PATTERNS]
        n, d = seen.shape
        figure = new_figure(figure, (1.6 + max(0.38 * d, 2.2) + 1.8, 1.5 + max(0.26 * n, 0.8)))
        cells, bars = figure.subplots(
            1, 2, sharey=True, gridspec_kw={"width_ratios": [max(0.38 * d, 2.2), 1.8]}
        )
        for p in range(n):
            for j in range(d):
                look = {"color": GRID} if seen[p, j] else {"color": PALETTE[1]}
                cells.add_patch(_square(j, p, **look))
        cells.set_xlim(-0.5, d - 0.5)
        cells.set_ylim(n - 0.5, -0.5)
        names = [f"{shorten(c, 16)} ({whole(m)})" for c, m in zip(columns, missing, strict=True)]
        cells.set_xticks(range(d), names[:d], rotation=90 if d > 4 else 0, parse_math=False)
        cells.set_yticks([])
        cells.set_title("grey seen, orange missing", fontsize="small", loc="left")
        for side in ("top", "right", "left", "bottom"):
            cells.spines[side].set_visible(False)
        cells.tick_params(length=0, labelsize="small")
        bars.barh(np.arange(n), rows, color=FAINT, height=0.7)
        for p, count in enumerate(rows):
            bars.annotate(
                f" {whole(count)}", (count, p), va="center", fontsize="small", annotation_clip=False
            )
        left = len(self.patterns.rows) - n
        more = f", {counted(left, 'pattern')} not drawn" if left else ""
        bars.set_title(f"rows{more}", fontsize="small", loc="left")
        tidy(bars)
        bars.spines["left"].set_visible(False)
        bars.tick_params(left=False, labelsize="small")
        bars.locator_params(axis="x", nbins=3)
        self.axes_, self.figure_ = np.array([cells, bars], dtype=object), figure
        return self


def _square(j: int, p: int, **look: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((j - 0.44, p - 0.4), 0.88, 0.8, linewidth=0, **look)
