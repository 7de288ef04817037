"""Where the holes of a table are: rows in their order, columns side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import shorten, whole
from .canvas import FAINT, PALETTE, new_figure, tidy

MOST_BANDS, MOST_COLUMNS = 200, 40
"""Bands of rows and columns that are drawn."""


class HolesDisplay:
    """A map of the missing cells, from the first row at the top to the last.

    Parameters
    ----------
    hidden : array of bool, shape (n, d)
    columns : sequence of str

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> hidden = np.eye(4, 3) > 0
    >>> HolesDisplay(hidden=hidden, columns=["a", "b", "c"]).plot().ax_.get_ylabel()
    'row'
    """

    def __init__(self, *, hidden: Any, columns: Sequence[str]) -> None:
        self.hidden, self.columns = np.asarray(hidden), list(columns)

    def plot(self, *, figure: Any = None) -> HolesDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        HolesDisplay
        """
        n, d = self.hidden.shape
        d = min(d, MOST_COLUMNS)
        figure = new_figure(figure, (1.4 + max(0.38 * d, 2.6), 4.2))
        ax = figure.subplots()
        bands = min(n, MOST_BANDS)
        edges = np.linspace(0, n, bands + 1).round().astype(int)
        share = np.add.reduceat(self.hidden[:, :d].astype(float), edges[:-1], axis=0)
        share /= np.diff(edges)[:, None]
        colours = _shades()
        ax.pcolormesh(
            np.arange(d + 1) - 0.5, edges, share, cmap=colours, vmin=0, vmax=1, rasterized=True
        )
        for j in range(1, d):
            ax.axvline(j - 0.5, color="white", linewidth=1.2)
        ax.set_ylim(n, 0)
        counts = self.hidden.sum(axis=0)
        names = [
            f"{shorten(c, 16)} ({whole(m)})" for c, m in zip(self.columns, counts, strict=True)
        ]
        ax.set_xticks(range(d), names[:d], rotation=90 if d > 3 else 0, parse_math=False)
        ax.set_ylabel("row")
        bands_of = "" if bands == n else ", shades the share of a band of rows"
        ax.set_title(f"grey seen, orange missing{bands_of}", fontsize="small", loc="left")
        tidy(ax)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.tick_params(length=0, labelsize="small", labelcolor=FAINT)
        self.ax_, self.figure_, self.axes_ = ax, figure, np.array([ax], dtype=object)
        return self


def _shades() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("missing", ["#E6E6E6", PALETTE[1]])
