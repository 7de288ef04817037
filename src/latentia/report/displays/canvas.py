"""What all displays share: colours, marks, axes, a sample of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.extras import require

Array = NDArray[np.float64]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B4C9A")
"""Told apart with any colour vision: Okabe & Ito (2008) less yellow and black, and a violet."""

MARKS = ("o", "^", "s", "D", "v", "P", "X")
"""After the seven colours are used up the mark changes."""

GLYPHS = "●▲■◆▼✚✖"
"""The marks as letters, in their order."""

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (5, 1.5, 1, 1.5)))

INK, FAINT, GRID = "#222222", "#707070", "#E6E6E6"


def colour(k: int) -> str:
    """The colour of component k, from 0."""
    return PALETTE[k % len(PALETTE)]


def mark(k: int) -> str:
    """The mark of component k, from 0."""
    return MARKS[k // len(PALETTE) % len(MARKS)]


def glyph(k: int) -> str:
    """The mark of component k as a letter."""
    return GLYPHS[k // len(PALETTE) % len(GLYPHS)]


def dash(k: int) -> Any:
    """The dashes of component k, from 0."""
    return DASHES[k // len(PALETTE) % len(DASHES)]


def one_axes(ax: Any, size: tuple[float, float]) -> Any:
    """The axes given, or those of a new figure."""
    if ax is not None:
        return ax
    pyplot = require("matplotlib.pyplot", extra="plot")
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def new_figure(figure: Any, size: tuple[float, float]) -> Any:
    """The figure given, or a new one."""
    if figure is not None:
        return figure
    pyplot = require("matplotlib.pyplot", extra="plot")
    return pyplot.figure(figsize=size, layout="constrained")


def tidy(ax: Any, grid: str | None = None) -> None:
    """Leave two spines, in grey, and at most one set of grid lines, behind the data."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.tick_params(color=FAINT, which="both")
    if grid is not None:
        ax.grid(axis=grid, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def whole_ticks(axis: Any, most: int | str = "auto") -> None:
    """Ticks at whole numbers only, and about so many of them at most."""
    ticker = require("matplotlib.ticker", extra="plot")
    steps = [1, 2, 5, 10]
    axis.set_major_locator(ticker.MaxNLocator(most, integer=True, min_n_ticks=1, steps=steps))


def decades(axis: Any, low: float, high: float) -> None:
    """Ticks of a logarithmic axis at powers of ten, written 0.01 or 10⁻⁵; about six of them."""
    first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    every = max(1, -(-(last - first) // 6))
    powers = [p for p in range(first, last + 1) if p % every == 0]
    axis.set_ticks([10.0**p for p in powers], [power_of_ten(p) for p in powers])
    axis.set_ticks([], minor=True)


def power_of_ten(power: int) -> str:
    """A power of ten as people write it.

    Examples
    --------
    >>> power_of_ten(2), power_of_ten(-2), power_of_ten(-7)
    ('100', '0.01', '10⁻⁷')
    """
    if -3 <= power <= 4:
        return f"{10.0**power:,.{max(-power, 0)}f}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def finite_rows(X: Any) -> Array:
    """The rows as an array of floats, (n, D).

    Raises
    ------
    ValueError
        If there is text among them.
    """
    try:
        rows = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            "got columns of text, expected numbers, which this plot has axes for; the plots "
            "'responses', 'profile' and 'membership' take any answers"
        ) from None
    return rows[:, None] if rows.ndim == 1 else rows


def sample(n: int, most: int) -> NDArray[np.intp]:
    """Positions of at most `most` of n rows, the same each time, in their order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def density(x: Array, mean: Any, variance: Any) -> Array:
    """The normal density."""
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def bins(values: Array) -> Array:
    """Edges of a histogram after Freedman & Diaconis (1981), 8 to 60 bins."""
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    quarter, third = np.quantile(values, [0.25, 0.75])
    width = 2 * (third - quarter) / len(values) ** (1 / 3)
    n = int(np.ceil((high - low) / width)) if width > 0 else 20
    return np.linspace(low, high, min(max(n, 8), 60) + 1)


def fine_grid(low: float, high: float, means: Array, deviations: Array) -> Array:
    """Points that show every component's bell, however narrow."""
    bells = means[:, None] + deviations[:, None] * np.linspace(-4, 4, 49)
    points = np.concatenate([np.linspace(low, high, 201), bells.ravel()])
    return np.unique(points[(points >= low) & (points <= high)])
