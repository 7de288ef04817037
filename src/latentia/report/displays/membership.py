"""How sure it is which component each row belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formatting import FIRST_GROUP, group, whole
from ..kinds import noun_of
from .canvas import INK, Array, colour, one_axes, tidy

MOST_CORNERS = 150
"""Corners of the outline of one component."""

LEAST_LABELLED = 0.02
"""Share of the rows that makes a component wide enough for its number to stand below it."""


class MembershipDisplay:
    """The rows of each component, the surest first, and how sure each is.

    Parameters
    ----------
    labels : array of int, shape (n,)
        The component each row most likely belongs to.
    sureness : array of shape (n,)
        The posterior probability of that component.
    n_components : int
    threshold : float, default=0.9
        Rows below it are counted as unsure.
    names : sequence of str, optional
        Of the components, "group 0" and so on by default.
    noun : str, default="group"
        What a component is called.

    Attributes
    ----------
    ax_ : matplotlib Axes
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure
    n_unsure : array of int, shape (K,)
        Rows of each component below the threshold.

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0).fit(X)
    >>> int(MembershipDisplay.from_estimator(fitted, X).n_unsure.sum()) < 10
    True
    """

    def __init__(
        self,
        *,
        labels: Any,
        sureness: Array,
        n_components: int,
        threshold: float = 0.9,
        names: Sequence[str] | None = None,
        noun: str = "group",
    ) -> None:
        self.names = [group(k) for k in range(n_components)] if names is None else list(names)
        self.noun = noun
        self.labels, self.sureness = labels, sureness
        self.n_components, self.threshold = n_components, threshold
        self.n_rows = np.bincount(labels, minlength=n_components)
        self.n_unsure = np.bincount(labels[sureness < threshold], minlength=n_components)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, threshold: float = 0.9, ax: Any = None
    ) -> MembershipDisplay:
        """Draw how sure a fitted mixture is of rows.

        Parameters
        ----------
        estimator : GaussianMixture
            Fitted.
        X : array-like of shape (n, D)
        threshold : float, default=0.9
        ax : matplotlib Axes, optional

        Returns
        -------
        MembershipDisplay
        """
        known = getattr(estimator, "predict_memberships", None) or estimator.predict_proba
        resp = np.asarray(known(X), dtype=float)
        display = cls(
            labels=resp.argmax(axis=1),
            sureness=resp.max(axis=1),
            n_components=resp.shape[1],
            threshold=threshold,
            names=[f"{noun_of(estimator)} {k + FIRST_GROUP}" for k in range(resp.shape[1])],
            noun=noun_of(estimator),
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> MembershipDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        MembershipDisplay
        """
        ax = one_axes(ax, (5.8, 3.4))
        n = len(self.labels)
        gap = 0.012 * n
        left, middles = 0.0, []
        for k in range(self.n_components):
            sure = np.sort(self.sureness[self.labels == k])[::-1]
            width = float(len(sure))
            middles.append(left + width / 2)
            if len(sure):
                at = np.unique(np.linspace(0, len(sure) - 1, MOST_CORNERS).astype(int))
                edges = np.append(at, len(sure)).astype(float)
                ax.stairs(
                    sure[at], left + edges, fill=True, color=colour(k), alpha=0.6, linewidth=0
                )
            left += width + gap
        ax.axhline(self.threshold, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        ax.set_ylim(0, 1.02)
        ax.set_xlim(-gap, left)
        ax.set_ylabel(f"probability of its {self.noun}")
        shown = [k for k in range(self.n_components) if self.n_rows[k] >= LEAST_LABELLED * n]
        ax.set_xticks([middles[k] for k in shown], [self._label(k) for k in shown])
        tidy(ax)
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(axis="x", length=0)
        if not self._roomy:
            ax.set_xlabel(self.noun)
        self.ax_, self.figure_ = ax, ax.figure
        self.axes_ = np.array([ax], dtype=object)
        return self

    @property
    def _roomy(self) -> bool:
        """Whether every group is wide enough for its counts to stand below it."""
        return bool(self.n_rows.min() >= 0.16 * self.n_rows.sum())

    def _label(self, k: int) -> str:
        if not self._roomy:
            return str(k + FIRST_GROUP)
        unsure = f"{whole(self.n_unsure[k])} below {self.threshold:g}"
        return f"{self.names[k]}\n{whole(self.n_rows[k])} rows\n{unsure}"
