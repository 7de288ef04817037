"""The candidates of a sweep: criterion against number of components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.engine import Status

from ..formatting import counted, listed, one_line
from .canvas import FAINT, INK, PALETTE, Array, colour, dash, one_axes, tidy, whole_ticks


class CriterionDisplay:
    """A criterion against the number of components, one line for each other setting.

    Candidates that did not converge or were set aside are hollow; failed ones are not drawn.

    Parameters
    ----------
    n_components : array of shape (n_candidates,)
    values : array of shape (n_candidates,)
        The criterion, lower is better; nan for a candidate that failed.
    kinds : sequence of str
        What else sets the candidates apart, such as the covariance type.
    proper : array of bool
        False for candidates that did not converge or were set aside.
    best : int
    criterion : str
    noun : str, default="components"
        What is counted.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets, select
    >>> X = datasets.load("faithful").values
    >>> swept = select(GaussianMixture(random_state=0), X, {"n_components": [1, 2, 3]})
    >>> CriterionDisplay.from_selection(swept).ax_.get_ylabel()
    'BIC (lower is better)'
    """

    def __init__(
        self,
        *,
        n_components: Array,
        values: Array,
        kinds: Sequence[str],
        proper: Any,
        best: int,
        criterion: str,
        noun: str = "components",
    ) -> None:
        self.noun = noun
        self.n_components, self.values, self.kinds = n_components, values, kinds
        self.proper, self.best, self.criterion = proper, best, criterion

    @classmethod
    def from_selection(
        cls, selection: Any, *, criterion: str | None = None, ax: Any = None
    ) -> CriterionDisplay:
        """Draw the candidates of a sweep.

        Parameters
        ----------
        selection : Selection
            As `latentia.select` returns it.
        criterion : {"bic", "aic", "icl", "aicc", "sabic"}, optional
            That of the sweep by default; the candidate marked is the best by this one.
        ax : matplotlib Axes, optional

        Returns
        -------
        CriterionDisplay
        """
        name = selection.criterion if criterion is None else criterion
        candidates = list(selection.candidates)
        values = np.array([getattr(c, name) for c in candidates], dtype=float)
        best = selection.best if name == selection.criterion else int(np.nanargmin(values))
        counts = [
            c.settings.get("n_components", c.settings.get("n_states", i + 1))
            for i, c in enumerate(candidates)
        ]
        noun = "states" if any("n_states" in c.settings for c in candidates) else "components"
        display = cls(
            noun=noun,
            n_components=np.array(counts, dtype=float),
            values=values,
            kinds=[_kind(c.settings) for c in candidates],
            proper=np.array([c.status is Status.CONVERGED and not c.note for c in candidates]),
            best=best,
            criterion=name,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> CriterionDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        CriterionDisplay
        """
        ax = one_axes(ax, (5.2, 3.6))
        known = np.isfinite(self.values)
        kinds = list(dict.fromkeys(self.kinds))
        for j, kind in enumerate(kinds):
            mine = np.flatnonzero(known & np.array([k == kind for k in self.kinds]))
            mine = mine[np.argsort(self.n_components[mine], kind="stable")]
            x, y = self.n_components[mine], self.values[mine]
            label = kind or "_"
            ax.plot(x, y, color=colour(j), linestyle=dash(j), linewidth=1.4, zorder=2)
            filled = np.where(self.proper[mine], 1, 0).astype(bool)
            style: dict[str, Any] = {"linestyle": "none", "marker": _mark(j)}
            style |= {"color": colour(j), "markersize": 5, "zorder": 3}
            ax.plot(x[filled], y[filled], label=label if filled.any() else "_", **style)
            ax.plot(
                x[~filled],
                y[~filled],
                markerfacecolor="white",
                label="_" if filled.any() else label,
                **style,
            )
        best = self.n_components[self.best], self.values[self.best]
        ax.plot(
            *best,
            "o",
            markersize=12,
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=1.4,
            label="chosen",
            zorder=4,
        )
        if (known & ~self.proper).any():
            hollow = {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK}
            ax.plot([], [], linestyle="none", markersize=5, label="set aside", **hollow)
        whole_ticks(ax.xaxis)
        ax.margins(x=0.06, y=0.1)
        self._clip(ax)
        ax.set_xlabel(self.noun)
        ax.set_ylabel(f"{self.criterion.upper()} (lower is better)")
        ax.ticklabel_format(axis="y", useOffset=False)
        tidy(ax, "y")
        n_entries = len(ax.get_legend_handles_labels()[0])
        ax.legend(
            frameon=False,
            fontsize="small",
            loc="upper center",
            bbox_to_anchor=(0.5, -0.17),
            ncols=min(n_entries, 6),
            columnspacing=1.1,
            handletextpad=0.3,
        )
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self

    def _clip(self, ax: Any) -> None:
        """Keep a few hopeless candidates from flattening the rest: cut the axis above most."""
        values = self.values[np.isfinite(self.values)]
        least, most = float(values.min()), float(values.max())
        typical = float(np.quantile(values, 0.7))
        top = least + 1.4 * (typical - least)
        if not 0 < 2.5 * (top - least) < most - least:
            return
        ax.set_ylim(least - 0.08 * (top - least), top)
        beyond = int((values > top).sum())
        ax.set_title(
            f"{beyond} worse candidate{'s' * (beyond > 1)} above the frame",
            loc="left",
            fontsize="small",
            color=FAINT,
        )


MARK_OF = ("o", "s", "^", "D", "v", "P", "X")
"""A mark for each kind, so that a black-and-white print can be read."""


def _mark(j: int) -> str:
    """The mark of kind j: another one when the colours come round again."""
    return MARK_OF[(j + j // len(PALETTE)) % len(MARK_OF)]


def _kind(settings: dict[str, Any]) -> str:
    """What sets a candidate apart besides its number of components."""
    rest = {k: v for k, v in settings.items() if k not in ("n_components", "n_states")}
    if list(rest) == ["covariance_type"]:
        return one_line(rest["covariance_type"])
    if list(rest) == ["n_clusters"]:
        return counted(int(rest["n_clusters"]), "cluster")
    return listed([f"{one_line(k)}={one_line(v)}" for k, v in rest.items()], ",")
