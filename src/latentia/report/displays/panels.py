"""Pairs of columns as panels: one, or a triangle with single columns along its diagonal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from latentia.extras import require

from ..formatting import group, listed, shorten
from .canvas import colour, dash, mark, new_figure

PANEL = (5.8, 4.6)
"""Inches of a single panel of two columns."""


def draw_pairs(
    figure: Any,
    columns: Sequence[str],
    one: Callable[[Any, int, bool], None],
    two: Callable[[Any, int, int, bool], None],
    handles: Sequence[Any],
    left_out: Sequence[str] = (),
) -> Any:
    """Draw d columns by pairs and return the figure.

    Parameters
    ----------
    figure : matplotlib Figure or None
        None for a new one.
    columns : sequence of str
    one : callable
        Draws column j on axes, given them, j, and whether the panel stands alone.
    two : callable
        Draws column i against column j on axes, given them, j, i, and whether it stands alone.
    handles : sequence of matplotlib artists
        What the legend of a triangle names.
    left_out : sequence of str
        Columns that are not drawn, to be named below a triangle.
    """
    d = len(columns)
    if d == 1:
        figure = new_figure(figure, (5.8, 3.8))
        one(figure.add_subplot(), 0, True)
    elif d == 2:
        figure = new_figure(figure, PANEL)
        ax = figure.add_subplot()
        two(ax, 0, 1, True)
        name_axes(ax, columns[0], columns[1])
    else:
        side = min(1.9 * d, 11.0)
        figure = new_figure(figure, (side, side))
        _triangle(figure, columns, one, two, handles)
        name_left_out(figure, left_out)
    return figure


def _triangle(
    figure: Any, columns: Sequence[str], one: Any, two: Any, handles: Sequence[Any]
) -> None:
    d = len(columns)
    grid = figure.add_gridspec(d, d)
    first: list[Any] = []
    for i in range(d):
        for j in range(i + 1):
            ax = figure.add_subplot(grid[i, j], sharex=first[j] if i > j else None)
            if i == j:
                first.append(ax)
                one(ax, i, False)
                ax.set_yticks([])
                ax.spines["left"].set_visible(False)
            else:
                two(ax, j, i, False)
            bottom, left = i == d - 1, j == 0 and i > 0
            ax.set_xlabel(shorten(columns[j], 16) if bottom else "", parse_math=False)
            ax.set_ylabel(shorten(columns[i], 16) if left else "", parse_math=False)
            ax.tick_params(labelbottom=bottom, labelleft=left, labelsize="small")
            ax.locator_params(axis="x", nbins=4)
            if i != j:
                ax.locator_params(axis="y", nbins=4)
    upper = figure.add_subplot(grid[0, d - 1] if d < 4 else grid[:2, d - 2 :])
    upper.axis("off")
    if handles:
        upper.legend(
            handles=handles, frameon=False, loc="upper right", ncols=1 + (len(handles) > 6)
        )


def name_axes(ax: Any, across: str, up: str) -> None:
    """Name the two columns of a panel that stands alone."""
    ax.set_xlabel(shorten(across, 40), parse_math=False)
    ax.set_ylabel(shorten(up, 40), parse_math=False)


def name_left_out(figure: Any, left_out: Sequence[str]) -> None:
    """Say below a figure which columns are not in it."""
    if not left_out:
        return
    named = listed([shorten(name, 24) for name in left_out[:4]])
    more = len(left_out) - 4
    also = f" and {more} more" if more > 0 else ""
    figure.supxlabel(f"not drawn: {named}{also}", fontsize="small", parse_math=False)


def group_handles(n_components: int, names: Sequence[str] = (), *, lines: bool = True) -> list[Any]:
    """What a legend shows for each component: its mark, and its line where lines are drawn."""
    line = require("matplotlib.lines", extra="plot").Line2D
    return [
        line(
            [],
            [],
            color=colour(k),
            marker=mark(k),
            linestyle=dash(k) if lines else "none",
            markersize=5,
            label=shorten(names[k], 24) if names else group(k),
        )
        for k in range(n_components)
    ]


def name_groups(ax: Any, n_components: int, names: Sequence[str] = ()) -> None:
    """A legend of the components above a panel, where there are several."""
    if n_components < 2:
        return
    ax.legend(
        handles=group_handles(n_components, names, lines=False),
        frameon=False,
        fontsize="small",
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.3,
        ncols=min(n_components, 5),
        columnspacing=1.2,
        handletextpad=0.1,
    )


def frame_of(values: Any, *also: Any) -> tuple[float, float]:
    """Limits that hold all values that are known, with a margin."""
    known = np.concatenate([values[np.isfinite(values)], *map(np.ravel, also)])
    low, high = float(known.min()), float(known.max())
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin
