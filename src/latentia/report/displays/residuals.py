"""Pseudo-residuals of sequences: in their order, and against the normal quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from latentia.data.sequences import sequences

from ..formatting import counted, shorten
from ..summary import column_names
from .canvas import FAINT, INK, PALETTE, Array, new_figure, tidy

MOST_COLUMNS = 4
MOST_STEPS = 3000
"""Columns and steps that are drawn."""


class PseudoResidualsDisplay:
    """Normal pseudo-residuals step by step, and their quantiles against those of the normal.

    Columns of whole numbers have segments, drawn as bars, with a mark in their middles; dashes at
    ±1.96, beyond which 5 % lie if the model is true. The quantiles are those of a point drawn in
    each segment. The band about the diagonal holds the whole of a normal sample in 95 % of cases
    (Kolmogorov's statistic).

    Parameters
    ----------
    middle, lower, upper, drawn : arrays of shape (n, d)
        Normal deviates of the segments' middles and ends, and of a point in each.
    kind : {"ordinary", "forecast"}
    columns : sequence of str
        Names of the d columns.

    Attributes
    ----------
    axes_ : array of matplotlib Axes, shape (d, 2)
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenMarkov("poisson", 3, random_state=0).fit(counts)
    >>> PseudoResidualsDisplay.from_estimator(model, counts).axes_.shape
    (1, 2)
    """

    def __init__(
        self,
        *,
        middle: Array,
        lower: Array,
        upper: Array,
        drawn: Array,
        kind: str,
        columns: Sequence[str],
    ) -> None:
        self.middle, self.lower, self.upper, self.drawn = middle, lower, upper, drawn
        self.kind, self.columns = kind, list(columns)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        lengths: Any = None,
        *,
        kind: str = "ordinary",
        id: str | None = None,
        time: str | None = None,
        columns: Sequence[str] | None = None,
        figure: Any = None,
    ) -> PseudoResidualsDisplay:
        """Draw the residuals of some sequences.

        Parameters
        ----------
        estimator : HiddenMarkov or another hidden Markov model
            Fitted.
        X, lengths, id, time
            Sequences, as `fit` takes them.
        kind : {"ordinary", "forecast"}, default="ordinary"
            As in `pseudo_residuals`.
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional

        Returns
        -------
        PseudoResidualsDisplay
        """
        asked: dict[str, Any] = {"id": id, "time": time}
        if kind != "ordinary":
            asked["kind"] = kind
        found = estimator.pseudo_residuals(X, lengths, **asked)
        order = sequences(X, lengths, id=id, time=time).order
        place = slice(None) if order is None else order
        lower, upper = (end[place] for end in found.segments)
        made = cls(
            middle=found.middle[place],
            lower=lower,
            upper=upper,
            drawn=found.randomised(random_state=0)[place],
            kind=kind,
            columns=column_names(estimator, columns),
        )
        return made.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> PseudoResidualsDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        PseudoResidualsDisplay
        """
        d = min(len(self.columns), MOST_COLUMNS)
        figure = new_figure(figure, (7.4, min(2.7 * d + 0.3, 12.0)))
        axes = figure.subplots(d, 2, squeeze=False, width_ratios=[1.75, 1])
        for j in range(d):
            self._steps(axes[j, 0], j)
            self._quantiles(axes[j, 1], j)
            axes[j, 0].set_ylabel(
                "residual" if d == 1 else f"residual\n{shorten(self.columns[j], 18)}"
            )
        axes[-1, 0].set_xlabel("step")
        axes[-1, 1].set_xlabel("normal quantile")
        told = []
        if len(self.columns) > d:
            told.append(f"{counted(len(self.columns) - d, 'more column')} not drawn")
        if len(self.middle) > MOST_STEPS:
            told.append(f"the first {MOST_STEPS:,} steps, on the left")
        if told:
            figure.supxlabel("; ".join(told), fontsize="small", color=FAINT)
        self.figure_, self.axes_ = figure, axes
        return self

    def _steps(self, ax: Any, j: int) -> None:
        z = self.middle[:MOST_STEPS, j]
        at = np.arange(len(z))
        lower, upper = self.lower[:MOST_STEPS, j], self.upper[:MOST_STEPS, j]
        few = len(z) <= 500
        if np.nanmax(upper - lower, initial=0.0) > 0:
            ends = np.clip([lower, upper], np.nanmin(z) - 1, np.nanmax(z) + 1)
            ax.vlines(
                at,
                *ends,
                color=PALETTE[0],
                alpha=0.35 if len(z) < 200 else 0.15,
                lw=1.6 if few else 0.6,
            )
        ax.plot(
            at,
            z,
            linestyle="none",
            marker="o",
            markersize=2.8 if few else 1.4,
            color=PALETTE[0],
            rasterized=len(z) > 1000,
        )
        for level in (-1.96, 1.96):
            ax.axhline(level, color=FAINT, lw=0.9, ls=(0, (4, 3)))
        ax.axhline(0, color=FAINT, lw=0.6)
        ax.margins(x=0.01)
        tidy(ax)

    def _quantiles(self, ax: Any, j: int) -> None:
        z = np.sort(self.drawn[:, j])
        z = z[np.isfinite(z)]
        n = len(z)
        if n:
            ranks = drawn_ranks(n)
            share, z = (ranks + 0.5) / n, z[ranks]
            at = ndtri(share)
            wide = 1.358 / np.sqrt(n)  # Kolmogorov's 95 % point
            with np.errstate(invalid="ignore"):
                low, high = ndtri([np.clip(share - wide, 0, 1), np.clip(share + wide, 0, 1)])
            reach = float(max(np.abs(z).max(), 2.5)) * 1.08
            low, high = np.clip(low, -reach, reach), np.clip(high, -reach, reach)
            ax.fill_between(at, low, high, color="#DDDDDD", lw=0, zorder=0)
            ax.plot([-reach, reach], [-reach, reach], color=INK, lw=0.8, zorder=1)
            ax.plot(
                at,
                z,
                linestyle="none",
                marker="o",
                markersize=2.6,
                color=PALETTE[1],
                zorder=2,
                rasterized=len(z) > 1000,
            )
            ax.set_xlim(-reach, reach)
            ax.set_ylim(-reach, reach)
        tidy(ax)


def drawn_ranks(n: int) -> NDArray[np.intp]:
    """Which of n sorted values are drawn against quantiles: the outermost, and some between.

    Examples
    --------
    >>> len(drawn_ranks(1000)), len(drawn_ranks(1_000_000))
    (1000, 4500)
    """
    if n <= 2 * MOST_STEPS:
        return np.arange(n)
    outer = MOST_STEPS // 4
    middle = np.linspace(outer, n - 1 - outer, MOST_STEPS).astype(np.intp)
    return np.concatenate([np.arange(outer), middle, np.arange(n - outer, n)])
