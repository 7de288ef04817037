"""Pooled estimates against shifts of what was imputed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..formatting import shorten
from .canvas import FAINT, PALETTE, new_figure, tidy

MOST = 12
"""Estimates that are drawn."""


class SensitivityDisplay:
    """Each estimate, with its interval, as what was imputed in a column is shifted.

    Parameters
    ----------
    sensitivity : Sensitivity

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import EMImputer, datasets
    >>> from latentia.missing import shift_imputed
    >>> air = datasets.load("airquality").values[:, :4]
    >>> imputer = EMImputer(draw="bootstrap", n_imputations=5, random_state=0).fit(air)
    >>> mean = lambda table: (table[:, 0].mean(), table[:, 0].var() / len(table))
    >>> shifted = shift_imputed(imputer, air, 0, [-10, 0, 10], mean)
    >>> SensitivityDisplay(sensitivity=shifted).plot().axes_[0].get_title(loc="left")
    'estimate'
    """

    def __init__(self, *, sensitivity: Any) -> None:
        self.sensitivity = sensitivity

    def plot(self, *, figure: Any = None) -> SensitivityDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        SensitivityDisplay
        """
        found = self.sensitivity
        names = found.names[:MOST]
        value, low, high = found.values()
        order = np.argsort(found.shifts)
        across = min(len(names), 3)
        down = -(-len(names) // across)
        figure = new_figure(figure, (2.9 * across + 0.3, 2.3 * down + 0.5))
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for e, (ax, name) in enumerate(zip(axes, names, strict=False)):
            at = found.shifts[order]
            ax.fill_between(
                at, low[order, e], high[order, e], color=PALETTE[0], alpha=0.2, linewidth=0
            )
            ax.plot(at, value[order, e], ".-", color=PALETTE[0])
            ax.axvline(0, color=FAINT, linewidth=0.8)
            if low[:, e].min() < 0 < high[:, e].max():
                ax.axhline(0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
            ax.set_title(shorten(name, 24), fontsize="small", loc="left", parse_math=False)
            tidy(ax)
            ax.tick_params(labelsize="small")
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        unit = "standard deviations" if found.unit == "sd" else "its units"
        label = f"shift of what was imputed in {shorten(found.column, 24)}, {unit}"
        figure.supxlabel(label, fontsize="small", parse_math=False)
        self.axes_, self.figure_ = axes[: len(names)], figure
        return self
