"""The report's sentences: the question, the answer, and what to make of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.engine import Status

from .displays.canvas import Array
from .displays.pairs import telling_columns
from .formatting import counted, group, listed, one_line, share, shorten, significant, whole
from .kinds import is_gaussian, is_variational
from .summary import counted_in_use, is_told_of
from .sweep import lead, set_aside, settings_words, verdict

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def question(n_rows: int, columns: Sequence[str]) -> str:
    """What the report answers."""
    named = [shorten(name, 40) for name in columns[:6]]
    if len(columns) > 6:
        named.append(f"{len(columns) - 6} more")
    return (
        f"How many groups are hidden in these {whole(n_rows)} rows of "
        f"{counted(len(columns), 'column')} ({listed(named)}), and what does each look like?"
    )


def question_of_fit(source: str) -> str:
    """What a report answers of an estimator that has no question of its own."""
    return f"What do the data of {shorten(one_line(source), 60)} say, and how surely is it known?"


def headline(n_groups: int) -> str:
    """The answer in two words."""
    number = NUMBERS[n_groups] if n_groups < len(NUMBERS) else str(n_groups)
    return f"{number} group{'' if n_groups == 1 else 's'}"


def answer(estimator: Any, columns: Sequence[str], sureness: Array, selection: Any) -> list[str]:
    """The answer in a few sentences."""
    k = int(estimator.n_components)
    told = [_chosen(k, selection)]
    if k == 1 and selection is None and not is_gaussian(estimator):
        told = ["One group was asked for, and no search was made for more."]
    if is_variational(estimator):
        told = [f"{counted_in_use(estimator)}."]
    if k > 1:
        told.append(_portraits(estimator, columns))
        clear = share(float(np.mean(sureness >= 0.9)))
        told.append(
            f"For {clear} of the rows the group is known with at least 90\u00a0% probability."
        )
    return told


def _chosen(k: int, selection: Any) -> str:
    """Why this number of groups."""
    if selection is None:
        if k == 1:
            return "One group was asked for: a single Gaussian, and no search for more."
        return f"{headline(k)} were asked for; no other number was tried."
    name = selection.criterion.upper()
    winner = settings_words(selection.candidates[selection.best].settings)
    n = len(selection.candidates)
    if n == 1:
        return f"One candidate was tried ({winner}); there was nothing to compare it with."
    if k == 1:
        return (
            f"Of {n} candidates, a single component ({winner}) was chosen by {name}: "
            "nothing speaks for hidden groups."
        )
    return f"Of {n} candidates, the model of {winner} was chosen by {name}."


def _portraits(estimator: Any, columns: Sequence[str]) -> str:
    """How large the groups are and where they lie."""
    weights = np.asarray(estimator.weights_, dtype=float)
    told_of = [k for k in np.argsort(-weights, kind="stable") if is_told_of(estimator, int(k))]
    if len(told_of) > 4 or not is_gaussian(estimator):
        largest, smallest = weights[told_of[0]], weights[told_of[-1]]
        return (
            f"The largest holds {share(float(largest))} of the rows, the smallest "
            f"{share(float(smallest))}."
        )
    means = np.asarray(estimator.means_, dtype=float)
    covariances = np.asarray(estimator.covariance_matrices(), dtype=float)
    shown = telling_columns(weights, means, covariances, 2)
    parts = [
        f"{group(k)} holds {share(float(weights[k]))} of the rows, around "
        + listed([f"{shorten(columns[j], 30)} {significant(float(means[k, j]), 3)}" for j in shown])
        for k in told_of
    ]
    told = "; ".join(parts) + "."
    return told[0].upper() + told[1:]


def cautions(estimator: Any, selection: Any) -> list[str]:
    """What must be known before the answer is used; empty where all is well."""
    found: list[str] = []
    status = estimator.fit_.status
    if status is not Status.CONVERGED:
        found.append(str(status))
    if selection is not None:
        if lead(selection) < 2:
            found.append(f"The choice is a close one. {verdict(selection)}")
        best = selection.candidates[selection.best]
        near = getattr(best, selection.criterion) + 10
        unfinished = sum(
            set_aside(c)
            and c.status is not Status.CONVERGED
            and getattr(c, selection.criterion) < near
            for c in selection.candidates
            if c is not best
        )
        if unfinished:
            found.append(
                f"{counted(unfinished, 'candidate')} not far off had not converged and could "
                "not be chosen; with more E-steps the choice could change."
            )
    return found


def climb_words(estimator: Any, noun: str = "group") -> str:
    """What the figure of the climb shows."""
    fit = estimator.fit_
    n = len(fit.climbs)
    if len(getattr(estimator, "startprob_", getattr(estimator, "weights_", ()))) == 1:
        return (
            f"With one {noun} there is nothing hidden: the best fit follows from the data at once."
        )
    steps = [max(int(np.size(c.trace.objective)) - 1, 0) for c in fit.climbs]
    others = steps[: fit.best] + steps[fit.best + 1 :]
    height = "lower bound of the evidence" if is_variational(estimator) else "log-likelihood"
    told = (
        f"EM improves the {height} step by step. The line shows how far below the "
        f"estimated top the fit still was after each of its {whole(steps[fit.best])} E-steps."
        if n == 1
        else f"EM improves the {height} step by step. Each of the {n} lines is one start "
        f"and shows how far below the estimated top it still was. The start that won took "
        f"{whole(steps[fit.best])} E-steps, the others {_from_to(others)}."
    )
    best = fit.certificate.optima[0].hits if fit.certificate.optima else 0
    if n > 1 and best == n:
        told += f" All {n} starts reached the same top, which speaks for it."
    elif best > 1:
        told += f" {best} of the {n} starts reached the same top, which speaks for it."
    elif n > 1:
        told += " No other start reached the same top: more starts may find a higher one."
    return told


def _from_to(counts: list[int]) -> str:
    """The range of some counts."""
    low, high = min(counts), max(counts)
    return whole(low) if low == high else f"{whole(low)} to {whole(high)}"


def fit_words(n_columns: int, n_groups: int, n_rows: int, n_drawn: int) -> str:
    """How to read the figure of the fit."""
    if n_columns == 1:
        return (
            "The grey histogram is the data. Each coloured curve is one group's share of the "
            "density; the dark curve is their sum, which should follow the histogram."
            if n_groups > 1
            else "The grey histogram is the data; the curve is the Gaussian fitted to it."
        )
    told = (
        "Each point is a row, coloured by the group it most likely belongs to and fainter where "
        "that is unsure. "
        if n_groups > 1
        else "Each point is a row. "
    )
    told += "The ellipses lie one and two standard deviations around each centre."
    if n_columns > 2:
        told += " On the diagonal are each column's histogram and densities."
    if n_drawn < n_rows:
        told += f" A random {whole(n_drawn)} of the {whole(n_rows)} rows are drawn."
    return told


def marginal_words(n_columns: int, n_groups: int) -> str:
    """How to read the figure of a fit whose components are not normal."""
    told = "The grey bars are the data" + (", a panel for each column" if n_columns > 1 else "")
    if n_groups == 1:
        return f"{told}; the coloured line is the density fitted to them."
    return (
        f"{told}. Each coloured line is one group's share of the density; the dark line is their "
        "sum, which should follow the bars."
    )


def response_words(n_groups: int) -> str:
    """How to read the figure of a latent class model."""
    told = "A panel an item. A bar is stacked by the probabilities of the answers"
    return told + (", a bar for each group." if n_groups > 1 else ".")


def membership_words(labels: Any, sureness: Array) -> str:
    """What the figure of the memberships shows."""
    unsure = int((sureness < 0.9).sum())
    n = len(labels)
    told = (
        "All rows of a group stand side by side, the surest first; the height is the probability "
        "that the row belongs there. "
    )
    if not unsure:
        return told + "For no row is it below 0.9."
    verb = "is" if unsure == 1 else "are"
    return told + (
        f"{counted(unsure, 'row')} of {whole(n)} ({share(unsure / n)}) {verb} below 0.9 and "
        "should not be put in one group without a second look."
    )
