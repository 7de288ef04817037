"""Eigenvalues in order, beside those that chance alone would show."""

from __future__ import annotations

from typing import Any

import numpy as np

from .canvas import FAINT, PALETTE, Array, one_axes, tidy, whole_ticks


class ScreeDisplay:
    """Eigenvalues of the correlations against their number, with those of a parallel analysis.

    Parameters
    ----------
    eigenvalues, reference : array of shape (d,)
    n_factors : int
        How many lie above their references.
    quantile : float
        Of the references.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import datasets
    >>> from latentia.factor import parallel_analysis
    >>> found = parallel_analysis(datasets.load("iris").values, n_draws=20)
    >>> ScreeDisplay.from_analysis(found).n_factors
    1
    """

    def __init__(
        self, *, eigenvalues: Array, reference: Array, n_factors: int, quantile: float
    ) -> None:
        self.eigenvalues, self.reference = eigenvalues, reference
        self.n_factors, self.quantile = n_factors, quantile

    @classmethod
    def from_analysis(cls, analysis: Any, *, ax: Any = None) -> ScreeDisplay:
        """Draw a parallel analysis.

        Parameters
        ----------
        analysis : ParallelAnalysis
        ax : matplotlib Axes, optional

        Returns
        -------
        ScreeDisplay
        """
        return cls(**analysis._asdict()).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ScreeDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        ScreeDisplay
        """
        ax = one_axes(ax, (5.2, 3.4))
        at = np.arange(1, len(self.eigenvalues) + 1)
        chance = f"by chance ({100 * self.quantile:g} % of draws lie below)"
        ax.plot(at, self.reference, color=FAINT, lw=1.2, ls=(0, (4, 3)), label=chance)
        ax.plot(at, self.eigenvalues, color=PALETTE[0], lw=1.2, marker="o", ms=4, label="the data")
        kept = self.n_factors
        ax.plot(at[kept:], self.eigenvalues[kept:], ls="", marker="o", ms=3, color="white")
        ax.set_xlabel("number")
        ax.set_ylabel("eigenvalue of the correlations")
        ax.set_title(f"{kept} above chance", fontsize="small", loc="left")
        ax.legend(frameon=False, fontsize="small")
        ax.set_ylim(bottom=0)
        whole_ticks(ax.xaxis)
        tidy(ax, "y")
        self.ax_, self.figure_ = ax, ax.figure
        return self
