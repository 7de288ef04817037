"""What is to come of a sequence: a fan of quantiles behind its last steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.data.sequences import sequences

from ..formatting import shorten
from ..kinds import is_switching
from ..letters import letter_ticks, letters_of
from ..summary import column_names
from .canvas import FAINT, INK, PALETTE, Array, new_figure, tidy, whole_ticks

MOST_COLUMNS, SHOWN, CODES, LETTERS = 4, 40, 30, 10
"""Columns that are drawn, steps of the past, codes of categories, and letters written of these."""


class ForecastDisplay:
    """The last steps of a sequence, and quantiles and means of the steps after.

    Bands hold a step with probability 0.9 and 0.5. A column of codes has the probability of each
    instead.

    Parameters
    ----------
    past : array of shape (p, d)
        The last steps.
    ahead : list of arrays, a column each
        Quantiles at 0.05, 0.25, 0.5, 0.75 and 0.95, shape (h, 5), or, of codes, probabilities
        (h, L).
    mean : array of shape (h, d)
        nan in columns of codes.
    first : int
        The number of the first step of the past.
    columns : sequence of str
    letters : dict of str to list of str, optional
        What the codes of columns stand for.

    Attributes
    ----------
    axes_ : array of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    >>> ForecastDisplay.from_estimator(model, counts, steps=12).mean.shape
    (12, 1)
    """

    def __init__(
        self,
        *,
        past: Array,
        ahead: list[Array],
        mean: Array,
        first: int,
        columns: Sequence[str],
        letters: dict[str, list[str]] | None = None,
    ) -> None:
        self.letters = letters or {}
        self.past, self.ahead, self.mean = past, ahead, mean
        self.first, self.columns = first, list(columns)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        lengths: Any = None,
        *,
        steps: int = 10,
        sequence: int = -1,
        id: str | None = None,
        time: str | None = None,
        columns: Sequence[str] | None = None,
        figure: Any = None,
        ahead: Any = None,
    ) -> ForecastDisplay:
        """Draw what a fitted model expects after one of some sequences.

        Parameters
        ----------
        estimator : HiddenMarkov or another hidden Markov model
            Fitted.
        X, lengths, id, time
            Sequences, as `fit` takes them.
        steps : int, default=10
            How many ahead.
        sequence : int, default=-1
            Which of them; the last one by default.
        columns : sequence of str, optional
            Names of the columns.
        figure : matplotlib Figure, optional
        ahead : data frame or dict of columns, optional
            Covariates of the steps to come, of a `MarkovRegression` that has some.

        Returns
        -------
        ForecastDisplay
        """
        if is_switching(estimator):
            return cls._of_responses(
                estimator, X, lengths, steps, sequence, id, time, ahead, figure
            )
        ragged = sequences(X, lengths, id=id, time=time)
        end = int(np.cumsum(ragged.sizes)[sequence])
        own = np.asarray(ragged.x[end - int(ragged.sizes[sequence]) : end], dtype=np.float64)
        law = estimator.forecast(own, steps=steps)
        each = [_column(law, j) for j in range(min(own.shape[1], MOST_COLUMNS))]
        past = own[-SHOWN:]
        made = cls(
            past=past,
            ahead=each,
            mean=law.mean(),
            first=len(own) - len(past),
            columns=column_names(estimator, columns),
            letters=letters_of(estimator),
        )
        return made.plot(figure=figure)

    @classmethod
    def _of_responses(
        cls,
        estimator: Any,
        X: Any,
        lengths: Any,
        steps: int,
        sequence: int,
        id: str | None,
        time: str | None,
        ahead: Any,
        figure: Any,
    ) -> ForecastDisplay:
        """The responses of a switching regression, whose X has columns by name."""
        told: dict[str, Any] = {"id": id, "time": time}
        y, sizes, _ = estimator.responses(X, lengths, **told)
        asked = steps if ahead is None else None
        law = estimator.forecast(X, lengths, asked, ahead=ahead, **told)
        h, s = len(law) // len(sizes), range(len(sizes))[sequence]
        end = int(np.cumsum(sizes)[s])
        own, coming = y[end - int(sizes[s]) : end], slice(s * h, (s + 1) * h)
        past = own[-SHOWN:]
        made = cls(
            past=past,
            ahead=[_column(law, j)[coming] for j in range(min(y.shape[1], MOST_COLUMNS))],
            mean=law.mean()[coming],
            first=len(own) - len(past),
            columns=estimator.response_names_,
        )
        return made.plot(figure=figure)

    def plot(self, *, figure: Any = None) -> ForecastDisplay:
        """Draw.

        Parameters
        ----------
        figure : matplotlib Figure, optional

        Returns
        -------
        ForecastDisplay
        """
        d = len(self.ahead)
        figure = new_figure(figure, (7.4, min(2.4 * d + 0.5, 12.0)))
        axes = figure.subplots(d, 1, squeeze=False)[:, 0]
        before = self.first + np.arange(len(self.past))
        for j, ax in enumerate(axes):
            after = self.first + len(self.past) + np.arange(len(self.mean))
            self._panel(ax, j, before, after)
            ax.axvline(after[0] - 0.5, color=FAINT, lw=0.8, ls=(0, (2, 2)))
            ax.set_ylabel(shorten(self.columns[j], 18).replace("$", r"\$"))
            whole_ticks(ax.xaxis)
            ax.margins(x=0.01)
            tidy(ax)
        axes[-1].set_xlabel("step")
        self.figure_, self.axes_ = figure, axes
        return self

    def _panel(self, ax: Any, j: int, before: Any, after: Any) -> None:
        ax.plot(before, self.past[:, j], color=INK, lw=0.9, marker="o", markersize=2.6)
        made = self.ahead[j]
        if np.isnan(self.mean[:, j]).any():
            for code in range(made.shape[1]):
                ax.scatter(
                    after,
                    np.full(len(after), code),
                    s=90 * made[:, code],
                    color=PALETTE[0],
                    lw=0,
                    label="probability, as area" if code == 0 else "_",
                )
            whole_ticks(ax.yaxis)
            letter_ticks(ax.yaxis, self.letters, self.columns[j], LETTERS)
        else:
            edges = np.append(after - 0.5, after[-1] + 0.5)
            for low, high, words in ((0, 4, "90 %"), (1, 3, "50 %")):
                ax.stairs(
                    made[:, high],
                    edges,
                    baseline=made[:, low],
                    fill=True,
                    color=PALETTE[0],
                    alpha=0.22 if low == 0 else 0.35,
                    lw=0,
                    label=words,
                )
            ax.plot(after, self.mean[:, j], color=PALETTE[1], lw=1.6, label="mean")
        if j == 0:
            ax.legend(
                frameon=False,
                fontsize="small",
                loc="lower left",
                bbox_to_anchor=(0, 1),
                borderaxespad=0.2,
                ncols=3,
            )


LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def _column(law: Any, j: int) -> Array:
    """Quantiles of a column at `LEVELS`, or of codes, which have none, their probabilities."""
    if law.is_nominal(j):
        return law.density(np.arange(min(law.n_codes(j), CODES)), column=j)
    return law.quantile(LEVELS, column=j)
