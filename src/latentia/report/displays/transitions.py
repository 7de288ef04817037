"""The graph of a Markov chain: states as discs, transitions as arrows."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.extras import require

from .canvas import FAINT, INK, Array, colour, one_axes

LEAST = 0.005
"""Transitions below this are not drawn."""

MOST_LABELLED = 10
"""States up to which every arrow has its probability beside it; beyond, those above 0.1 have."""


class TransitionGraphDisplay:
    """States as discs, as large as their share in the long run, and arrows between them.

    Arrows are as wide as their transition is probable and have the colour of the state that they
    leave; loops are stays.

    Parameters
    ----------
    transitions : array of shape (K, K)
    shares : array of shape (K,)
        How often each state is in force.
    least : float, default=0.005
        Transitions below this are not drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    >>> TransitionGraphDisplay.from_estimator(model).transitions.shape
    (2, 2)
    """

    def __init__(self, *, transitions: Array, shares: Array, least: float = LEAST) -> None:
        self.transitions, self.shares, self.least = transitions, shares, least

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, least: float = LEAST, ax: Any = None
    ) -> TransitionGraphDisplay:
        """Draw the chain of a fitted model.

        Parameters
        ----------
        estimator : HiddenMarkov or another hidden Markov model
            Fitted.
        least : float, default=0.005
            Transitions below this are not drawn.
        ax : matplotlib Axes, optional

        Returns
        -------
        TransitionGraphDisplay
        """
        moves = np.asarray(estimator.transmat_, dtype=np.float64)
        shares = np.asarray(estimator.get_stationary_distribution(), dtype=np.float64)
        return cls(transitions=moves, shares=shares, least=least).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> TransitionGraphDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        TransitionGraphDisplay
        """
        ax = one_axes(ax, (4.6, 4.6))
        k = len(self.shares)
        angle = np.pi / 2 - 2 * np.pi * np.arange(k) / k if k > 2 else np.pi * (1 - np.arange(k))
        apart = 1.0 if k > 1 else 0.0
        centres = apart * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        most = 0.26 if k < 4 else 0.75 * np.sin(np.pi / k) / 1.9
        radii = most * (0.55 + 0.45 * np.sqrt(self.shares / self.shares.max()))
        for i in range(k):
            for j in range(k):
                if i != j and self.transitions[i, j] >= self.least:
                    self._arrow(ax, centres, radii, i, j)
        for i in range(k):
            if self.transitions[i, i] >= self.least:
                self._loop(ax, centres[i], radii[i], angle[i], i)
            self._disc(ax, centres[i], radii[i], i)
        reach = apart + 3.3 * most + 0.1
        ax.set_xlim(-reach, reach)
        if k == 2:
            ax.set_ylim(-0.75, 0.75)
        else:
            ax.set_ylim(-reach, reach)
        ax.set_aspect("equal")
        ax.axis("off")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _disc(self, ax: Any, centre: Array, radius: float, i: int) -> None:
        patches = require("matplotlib.patches", extra="plot")
        ax.add_patch(patches.Circle(centre, radius, facecolor=colour(i), lw=0, zorder=4))
        ax.text(
            *centre,
            str(i),
            color="white",
            ha="center",
            va="center",
            fontweight="bold",
            fontsize=11 if len(self.shares) < 7 else 8,
            zorder=5,
        )

    def _arrow(self, ax: Any, centres: Array, radii: Array, i: int, j: int) -> None:
        """A curve to the right of the straight way, so that both directions have room."""
        patches = require("matplotlib.patches", extra="plot")
        p = float(self.transitions[i, j])
        way = centres[j] - centres[i]
        length = float(np.hypot(*way))
        along = way / length
        aside = np.array([along[1], -along[0]])
        bend = (0.09 if len(self.shares) > 2 else 0.22) * length
        control = (centres[i] + centres[j]) / 2 + 2 * bend * aside
        begin = _towards(centres[i], control, radii[i] + 0.02)
        end = _towards(centres[j], control, radii[j] + 0.03)
        path = require("matplotlib.path", extra="plot").Path
        curve = path([begin, control, end], [path.MOVETO, path.CURVE3, path.CURVE3])
        ax.add_patch(
            patches.FancyArrowPatch(
                path=curve,
                arrowstyle="-|>",
                mutation_scale=8 + 8 * p,
                lw=0.7 + 5 * p,
                color=colour(i),
                alpha=0.75,
                shrinkA=0,
                shrinkB=0,
                zorder=2,
            )
        )
        if len(self.shares) <= MOST_LABELLED or p >= 0.1:
            middle = 0.25 * begin + 0.5 * control + 0.25 * end
            self._label(ax, middle, p)

    def _loop(self, ax: Any, centre: Array, radius: float, angle: float, i: int) -> None:
        """A circle that touches the disc from outside, open where they meet."""
        patches = require("matplotlib.patches", extra="plot")
        p = float(self.transitions[i, i])
        outward = np.array([np.cos(angle), np.sin(angle)]) if len(self.shares) > 1 else [0.0, 1.0]
        outward = np.asarray(outward)
        size = 0.62 * radius
        middle = centre + (radius + 0.72 * size) * outward
        ax.add_patch(
            patches.Circle(
                middle, size, fill=False, lw=0.7 + 5 * p, edgecolor=colour(i), alpha=0.75, zorder=1
            )
        )
        if len(self.shares) <= MOST_LABELLED or p >= 0.1:
            self._label(ax, middle + (size + 0.13) * outward, p)

    def _label(self, ax: Any, place: Array, p: float) -> None:
        text = f"{p:.2f}" if p < 0.995 else ("1" if p == 1 else f"{p:.3f}")
        back = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
        ax.text(
            *place,
            text,
            ha="center",
            va="center",
            fontsize="small",
            color=INK if p >= 0.05 else FAINT,
            bbox=back,
            zorder=6,
        )


def _towards(centre: Array, target: Array, distance: float) -> Array:
    way = target - centre
    return centre + way * (distance / float(np.hypot(*way)))
