"""What else a page shows of a fit, folded away: contours, rows across columns, parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

from .displays import ContoursDisplay, ParallelDisplay, ProfileDisplay
from .displays.contours import SHARES
from .displays.profile import MOST_PANELS, profiles_of
from .figures import svg
from .formatting import listed, shorten
from .kinds import is_gaussian, is_latent_class, is_variational, noun_of
from .page import LEVEL

MOST_POINTS = 400
"""Rows drawn under contours."""

MOST_COLUMNS = 4
"""Columns whose pairs are drawn."""

MOST_PARAMETERS = 60
"""Free parameters that a picture of all can show."""


class View(NamedTuple):
    """Something that the reader may unfold.

    Attributes
    ----------
    title : str
    html : str
        A figure or a table.
    words : str
        How to read it.
    drawn : bool
        Whether it is a figure.
    open : bool
        Whether it is unfolded from the start.
    """

    title: str
    html: str
    words: str
    drawn: bool = True
    open: bool = False


def views_of(estimator: Any, X: Any, columns: list[str], standard_errors: bool) -> list[View]:
    """Those that mean something for this fit."""
    d, k = len(columns), len(estimator.weights_)
    made: list[View] = []
    named = shorten(listed(columns), 160)
    if is_gaussian(estimator) and d > 1:
        shown = min(d, MOST_COLUMNS)
        html = svg(
            lambda f: ContoursDisplay.from_estimator(
                estimator,
                X,
                columns=columns,
                figure=f,
                max_columns=MOST_COLUMNS,
                max_points=MOST_POINTS,
            ),
            name="contours",
            alt=f"Highest-density regions of pairs of {named}, over the rows",
            size=(5.2, 4.2) if d == 2 else (1.6 * shown + 0.6, 1.6 * shown + 0.3),
        )
        shares = [f"{100 * share:g}\u00a0%" for share in SHARES]
        words = (
            f"Lines enclose the smallest regions that hold {listed(shares)} of all that the model "
            "makes, by pairs of columns; a row outside the largest is unusual."
        )
        made.append(View("Where rows are to be expected: highest-density regions", html, words))
    if d > 2 and not is_latent_class(estimator):
        html = svg(
            lambda f: ParallelDisplay.from_estimator(
                estimator, X, columns=columns, ax=f.add_subplot()
            ),
            name="parallel",
            alt=f"Rows as lines across {named}, coloured by group",
            size=(min(1.1 * d + 2.0, 9.0), 3.6),
        )
        words = (
            "Each line is a row, from column to column, each from its smallest value to its "
            "largest; thick lines are the groups\u2019 means."
        )
        made.append(View("Rows across all columns: parallel coordinates", html, words))
    few = getattr(estimator, "n_parameters_", MOST_PARAMETERS) <= MOST_PARAMETERS
    if k > 1 and few and not is_variational(estimator):
        made.append(profile_view(estimator, columns, standard_errors))
    return made


def profile_view(estimator: Any, columns: list[str] | None, standard_errors: bool) -> View:
    """The parameters of the components beside one another."""
    profiles, note = profiles_of(estimator, LEVEL, standard_errors, columns)
    n = min(len(profiles), MOST_PANELS)
    html = svg(
        lambda f: ProfileDisplay(
            profiles=profiles, level=LEVEL, note=note, noun=noun_of(estimator)
        ).plot(figure=f),
        name="profile",
        alt="Parameters of each component, one beside the other, with intervals",
        size=(7.6, 3.8 if n == 1 else 0.9 + 2.2 * (n if n < 3 else -(-n // 2))),
    )
    return View("Parameters beside one another", html, "")
