"""The climb: how far below the top each start was, E-step by E-step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.engine import Status

from .canvas import FAINT, INK, PALETTE, Array, decades, one_axes, tidy, whole_ticks


class ClimbDisplay:
    """The gap to the estimated top against E-steps, one line a start.

    Parameters
    ----------
    gaps : sequence of array of shape (n_steps + 1,)
        For each start, nats below the top at its start and after each E-step; nan where a point
        was degenerate. The top is the best objective and what is estimated to remain above it.
    accepted : sequence of array of bool
        False where a proposal was refused; the line leaves those out.
    collapsed : sequence of bool
        Starts that ended on a degenerate point.
    best : int
        The start that won.
    tol : float
        The tolerance asked for, in nats.
    floor : float
        Gaps below it are rounding.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0, n_init=3).fit(X)
    >>> ClimbDisplay.from_estimator(fitted).ax_.get_xlabel()
    'E-steps'
    """

    def __init__(
        self,
        *,
        gaps: Sequence[Array],
        accepted: Sequence[Any],
        collapsed: Sequence[bool],
        best: int,
        tol: float,
        floor: float,
    ) -> None:
        self.gaps, self.accepted, self.collapsed = gaps, accepted, collapsed
        self.best, self.tol, self.floor = best, tol, floor

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> ClimbDisplay:
        """Draw the climbs of a fitted estimator.

        Parameters
        ----------
        estimator : estimator with `fit_`
        ax : matplotlib Axes, optional

        Returns
        -------
        ClimbDisplay
        """
        fit = estimator.fit_
        certificate = fit.certificate
        heights = [c.objective for c in fit.climbs if np.isfinite(c.objective)]
        usable = [c.objective for c in fit.climbs if c.status is not Status.DEGENERATE]
        remaining = certificate.remaining_gain
        top = max(usable or heights or [0.0]) + (remaining if np.isfinite(remaining) else 0.0)
        display = cls(
            gaps=[top - np.asarray(c.trace.objective, dtype=float) for c in fit.climbs],
            accepted=[np.asarray(c.trace.accepted, dtype=bool) for c in fit.climbs],
            collapsed=[c.status is Status.DEGENERATE for c in fit.climbs],
            best=fit.best,
            tol=certificate.tol,
            floor=max(certificate.rounding, certificate.tol / 100, 1e-13),
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ClimbDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        ClimbDisplay
        """
        ax = one_axes(ax, (5.2, 3.6))
        order = [*(i for i in range(len(self.gaps)) if i != self.best), self.best]
        labelled: set[str] = set()
        for i in order:
            self._line(ax, i, labelled)
        low, high = self._limits()
        ax.set_yscale("log")
        ax.set_ylim(low / 2, high * 2)
        decades(ax.yaxis, low, high)
        if self.tol >= low:
            ax.axhline(self.tol, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
            ax.annotate(
                "tolerance",
                (0, self.tol),
                xycoords=("axes fraction", "data"),
                xytext=(4, 3),
                textcoords="offset points",
                ha="left",
                color=FAINT,
                fontsize="small",
            )
        whole_ticks(ax.xaxis)
        ax.set_xlabel("E-steps")
        ax.set_ylabel("nats below the top")
        tidy(ax, "y")
        if len(labelled) > 1:
            ax.legend(
                frameon=False,
                fontsize="small",
                loc="lower left",
                bbox_to_anchor=(0, 1),
                borderaxespad=0.3,
                ncols=len(labelled) if len(labelled) < 4 else 2,  # no wider than the axes
                columnspacing=1.2,
            )
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self

    def _line(self, ax: Any, i: int, labelled: set[str]) -> None:
        gap, kept = self.gaps[i], self.accepted[i] & np.isfinite(self.gaps[i])
        steps = np.arange(len(gap))
        if not kept.any():
            return
        won = i == self.best
        label = "the start that won" if won else "other starts"
        ax.plot(
            steps[kept],
            np.maximum(gap[kept], self.floor),
            color=PALETTE[0] if won else FAINT,
            linewidth=2.0 if won else 1.0,
            alpha=1.0 if won else 0.65,
            label=label if label not in labelled else "_",
            marker="o" if won and kept.sum() <= 60 else None,
            markersize=3.2,
            zorder=3 if won else 2,
        )
        labelled.add(label)
        last = steps[kept][-1], max(gap[kept][-1], self.floor)
        if self.collapsed[i]:
            label = "collapsed"
            ax.plot(*last, "x", color=INK, label=label if label not in labelled else "_")
            labelled.add(label)
        refused = ~self.accepted[i] & (gap > self.floor)
        if won and refused.any():
            label = "refused proposals"
            ax.plot(
                steps[refused],
                gap[refused],
                "o",
                markersize=3.2,
                markerfacecolor="none",
                markeredgecolor=PALETTE[0],
                alpha=0.4,
                label=label,
                zorder=2,
            )
            labelled.add(label)

    def _limits(self) -> tuple[float, float]:
        """The least and the largest gap that are drawn."""
        kept = [
            np.maximum(gap[ok & np.isfinite(gap)], self.floor)
            for gap, ok in zip(self.gaps, self.accepted, strict=True)
        ]
        drawn = np.concatenate([*kept, np.array([self.floor])])
        return float(drawn.min()), max(float(drawn.max()), 10 * self.floor)
