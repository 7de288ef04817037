"""Survival curves: steps where times are known, slopes across the intervals where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import Array, colour, one_axes, tidy


class SurvivalDisplay:
    """Survival against time, with what the data leave open shaded and a band of confidence.

    Parameters
    ----------
    left, right : array of shape (p,)
        The intervals in which the curve falls.
    mass : array of shape (p,)
        By how much.
    lower, upper : array of shape (p,) or None
        The band past the end of each.
    label : str, default=""
        What a legend calls the curve.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import SelfConsistent
    >>> curve = SelfConsistent().fit(np.array([[1.0, 2.0], [1.5, 3.0], [2.5, np.inf]]))
    >>> SurvivalDisplay.from_estimator(curve).ax_.get_ylabel()
    'survival'
    """

    def __init__(
        self,
        *,
        left: Array,
        right: Array,
        mass: Array,
        lower: Array | None = None,
        upper: Array | None = None,
        label: str = "",
    ) -> None:
        self.left, self.right, self.mass = left, right, mass
        self.lower, self.upper, self.label = lower, upper, label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        band: bool = True,
        level: float = 0.95,
        label: str = "",
        ax: Any = None,
    ) -> SurvivalDisplay:
        """Draw the curve of a fitted estimator.

        Parameters
        ----------
        estimator : SelfConsistent
            Fitted.
        band : bool, default=True
            Whether to draw confidence intervals, where standard errors can be had.
        level : float, default=0.95
        label : str, default=""
        ax : matplotlib Axes, optional
            Draw here, beside other curves perhaps.

        Returns
        -------
        SurvivalDisplay
        """
        left, right = estimator.intervals_.T
        lower = upper = None
        if band and (estimator._data is not None or estimator._errors is not None):
            ends = {e.name: e for e in estimator.parameter_table(level)}
            found = [ends.get(f"S({end:g})") for end in right]
            lower = np.array([np.nan if e is None else e.lower for e in found])
            upper = np.array([np.nan if e is None else e.upper for e in found])
        made = cls(
            left=left, right=right, mass=estimator.mass_, lower=lower, upper=upper, label=label
        )
        return made.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> SurvivalDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        SurvivalDisplay
        """
        ax = one_axes(ax, (5.6, 3.6))
        look = colour(sum(bool(line.get_gid() == "survival") for line in ax.lines))
        finite = np.concatenate([self.left, self.right])
        end = float(finite[np.isfinite(finite)].max())
        begin = min(0.0, float(finite[np.isfinite(finite)].min()))
        time, height = [begin], [1.0]
        for left, right, after in zip(self.left, self.right, 1 - np.cumsum(self.mass), strict=True):
            if np.isinf(right):  # where it falls from here on nothing tells
                break
            left = max(left, begin)
            time += [left, right]
            height += [height[-1], after]
            if right > left:
                ax.fill_between([left, right], height[-2], after, color=look, alpha=0.12, lw=0)
        time.append(end)
        height.append(height[-1])
        ax.plot(time, height, color=look, lw=1.6, label=self.label or None, gid="survival")
        if self.lower is not None and self.upper is not None:
            known = np.isfinite(self.lower) & np.isfinite(self.right)
            ax.plot(self.right[known], self.lower[known], color=look, lw=0.9, ls=(0, (4, 3)))
            ax.plot(self.right[known], self.upper[known], color=look, lw=0.9, ls=(0, (4, 3)))
        ax.set_ylim(0, 1.02)
        ax.set_xlim(begin, end)
        ax.set_xlabel("time")
        ax.set_ylabel("survival")
        if self.label:
            ax.legend(frameon=False, fontsize="small")
        tidy(ax, "y")
        self.ax_, self.figure_ = ax, ax.figure
        return self


class PredictedSurvivalDisplay:
    """Survival curves that a regression expects of some rows.

    Parameters
    ----------
    time : array of shape (m,)
    survival : array of shape (n, m)
    labels : sequence of str
        What a legend calls them.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import CensoredRegression
    >>> fitted = CensoredRegression("lognormal").fit([[1], [2], [3], [4]], [1.0, 2.5, 2.8, 9.1])
    >>> PredictedSurvivalDisplay.from_estimator(fitted, [[1], [4]]).ax_.get_xlabel()
    'time'
    """

    def __init__(self, *, time: Array, survival: Array, labels: Sequence[str]) -> None:
        self.time, self.survival, self.labels = time, survival, labels

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, labels: Sequence[str] | None = None, ax: Any = None
    ) -> PredictedSurvivalDisplay:
        """Draw the curves of some rows, up to where the last of them has fallen to 2 %.

        Parameters
        ----------
        estimator : CensoredRegression
            Fitted.
        X : array-like of shape (n, d)
            A few rows.
        labels : sequence of str, optional
            By default their numbers.
        ax : matplotlib Axes, optional

        Returns
        -------
        PredictedSurvivalDisplay
        """
        low, high = estimator.predict(X, 0.001).min(), estimator.predict(X, 0.98).max()
        time = np.linspace(min(low, 0.0), high, 200)
        survival = estimator.survival(X, time)
        names = [str(i) for i in range(len(survival))] if labels is None else labels
        return cls(time=time, survival=survival, labels=names).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> PredictedSurvivalDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        PredictedSurvivalDisplay
        """
        ax = one_axes(ax, (5.6, 3.6))
        begun = len(ax.lines)
        for i, (curve, label) in enumerate(zip(self.survival, self.labels, strict=True)):
            line = ("-", "--", ":")[i % 3]  # curves of equal rows lie on one another
            ax.plot(self.time, curve, color=colour(begun + i), lw=1.6, ls=line, label=label)
        ax.set_xlim(self.time[0], self.time[-1])
        ax.set_ylim(0, 1.02)
        ax.set_xlabel("time")
        ax.set_ylabel("survival")
        ax.legend(frameon=False, fontsize="small")
        tidy(ax, "y")
        self.ax_, self.figure_ = ax, ax.figure
        return self
