"""The report on a classifier by Gaussian densities."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cards import Card, Row
from .discriminant import MOST_CLASSES, confusion_table, notes_of, worst_of
from .displays import ClassificationDisplay, MembershipDisplay, UncertaintyDisplay
from .displays.canvas import Array, colour, glyph
from .figures import svg
from .formatting import (
    counted,
    fixed,
    listed,
    one_line,
    share,
    shorten,
    significant,
    true_minus,
    whole,
)
from .page import rendered, repeated
from .rendering import html_table
from .views import View

HEADS = ("column", "mean", "std. dev.")


def render_discriminant(
    estimator: Any,
    X: Any,
    columns: list[str],
    source: str,
    command: str,
    title: str | None,
    y: Any = None,
) -> str:
    """The page as text; see `write_report`.

    Raises
    ------
    TypeError
        If the classes are not given.
    """
    if y is None:
        raise TypeError(
            "got a MixtureDiscriminant without y, expected the classes of the rows; give "
            "write_report(..., y=classes)"
        )
    resp = np.asarray(estimator.predict_proba(X), dtype=float)
    sureness = resp.max(axis=1)
    x = np.asarray(X, dtype=float)
    pair = _telling(x, y) if len(columns) > 1 else None
    said, true = estimator.classes_[resp.argmax(axis=1)], np.asarray(y)
    classes = [one_line(each) for each in estimator.classes_]
    n, wrong = len(resp), int((said != true).sum())
    worst = worst_of(estimator)
    done = worst.status is worst.status.CONVERGED
    return rendered(
        "template.html.j2",
        **repeated(estimator, source, command, "X, y", worst),
        noun="class",
        cautions=[] if done else [worst.ending],
        sweep=None,
        climb_words=_training_words(estimator),
        converged=done,
        certificate=[*notes_of(estimator, classes), *worst.sentences()[:2]],
        title=one_line(title or f"The classes of {source}"),
        question=(
            f"Which class is a row of, by its {counted(len(columns), 'column')} "
            f"({shorten(listed(columns), 160)})?"
        ),
        headline=f"{share(1 - wrong / n)} of these rows are told right",
        answer=[
            f"Each of the {len(classes)} classes has {_words(estimator)}; a row is put into the "
            "class that is most probable by Bayes\u2019 rule.",
            f"{whole(wrong)} of these {whole(n)} rows would be put into another class. New rows "
            "are more often wrong than those that the densities were fitted to.",
        ],
        figures=_figures(estimator, x, columns, pair, resp, sureness),
        strip=[
            ("rows", whole(n)),
            ("columns", whole(len(columns))),
            ("classes", whole(len(classes))),
            ("wrong", whole(wrong)),
            ("free parameters", whole(estimator.n_parameters_)),
            ("log-likelihood", true_minus(fixed(estimator.loglik_, 2))),
            ("BIC", true_minus(fixed(estimator.criteria()["bic"], 2))),
        ],
        fit_words=_plane_words(len(columns)),
        wide=False,
        grid_width=620,
        heads=HEADS,
        cards=_cards(estimator, x, columns, classes, true, sureness),
        interval_note="Means and deviations are those of the rows of each class.",
        covariances={"n": 0, "table": ""},
        covariance_words="",
        views=_views(estimator, x, columns, pair, classes),
        membership_words=(
            f"The probability of the class that each row is put into. For "
            f"{share(float(np.mean(sureness >= 0.9)))} of the rows it is 0.9 or more."
        ),
    )


def _plane_words(n_columns: int) -> str:
    told = "Each point is a row, in the colour of the class that it is put into"
    if n_columns == 2:
        return f"{told}; lines are where one class becomes more probable than the other."
    return f"{told}, by the two columns whose means differ most between classes."


def _telling(x: Array, y: Any) -> tuple[int, int]:
    """The two columns with the largest variance between classes against that within them."""
    classes, labels = np.unique(y, return_inverse=True)
    count = np.bincount(labels)
    means = np.stack([x[labels == k].mean(axis=0) for k in range(len(classes))])
    within = ((x - means[labels]) ** 2).mean(axis=0)
    between = count @ (means - x.mean(axis=0)) ** 2 / len(x)
    ratio = between / np.maximum(within, 1e-300)
    first, second = np.sort(np.argsort(-ratio, kind="stable")[:2])
    return int(first), int(second)


def _words(estimator: Any) -> str:
    mixed = estimator.n_components_.max() > 1
    return f"{'a mixture of normal densities' if mixed else 'a normal density'} of its own"


def _training_words(estimator: Any) -> str:
    kinds = zip(estimator.covariance_types_, estimator.n_components_, strict=True)
    told = listed([f"{kind} with {counted(int(number), 'component')}" for kind, number in kinds])
    return (
        f"The classes of these rows are known, so their densities ({estimator.model_type}) were "
        "fitted to the rows of each, and covariances and numbers of components chosen by BIC: "
        f"{told}."
    )


def _figures(
    estimator: Any,
    x: Array,
    columns: list[str],
    pair: tuple[int, int] | None,
    resp: Array,
    sureness: Array,
) -> dict[str, str]:
    drawn: dict[str, str] = {}
    k = resp.shape[1]
    if pair is not None:
        drawn["fit"] = svg(
            lambda f: ClassificationDisplay.from_estimator(
                estimator, x, pair=pair, columns=columns, ax=f.add_subplot()
            ),
            name="fit",
            alt=f"Rows by their class in two of {shorten(listed(columns), 160)}",
            size=(4.9, 3.9),
        )
    if k > 1:
        display = MembershipDisplay(
            labels=resp.argmax(axis=1),
            sureness=sureness,
            n_components=k,
            names=[shorten(one_line(each), 18) for each in estimator.classes_],
            noun="class",
        )
        drawn["membership"] = svg(
            lambda f: display.plot(ax=f.add_subplot()),
            name="membership",
            alt=f"Probability of each row's class, sorted; {int((sureness < 0.9).sum())} of "
            f"{len(sureness)} rows below 0.9",
            size=(4.9, 2.9),
        )
    return drawn


def _cards(
    estimator: Any,
    x: Array,
    columns: list[str],
    classes: list[str],
    true: Any,
    sureness: Array,
) -> list[Card]:
    cards: list[Card] = []
    for i, name in enumerate(classes):
        mine = true == estimator.classes_[i]
        rows: list[Row] = []
        for j, column in enumerate(columns):
            mean, deviation = x[mine, j].mean(), x[mine, j].std()
            rows.append((one_line(column), significant(mean), "", significant(deviation, 3)))
        unsure = int((sureness[mine] < 0.9).sum())
        cards.append(
            Card(
                shorten(name, 40),
                glyph(i),
                colour(i),
                share(float(estimator.class_prior_[i])),
                "",
                whole(int(mine.sum())),
                whole(unsure),
                rows,
            )
        )
    return cards


def _views(
    estimator: Any,
    x: Array,
    columns: list[str],
    pair: tuple[int, int] | None,
    classes: list[str],
) -> list[View]:
    made: list[View] = []
    if 1 < len(classes) <= MOST_CLASSES:
        table = html_table(confusion_table(estimator, classes))
        words = "Rows of each class of the fit, and the classes that they would be put into."
        made.append(View("Which classes are taken for which", table, words, False, True))
    if pair is not None and len(classes) > 1:
        html = svg(
            lambda f: UncertaintyDisplay.from_estimator(
                estimator, x, pair=pair, columns=columns, ax=f.add_subplot()
            ),
            name="uncertainty",
            alt="Rows where the class is unsure, the larger the less sure",
            size=(5.2, 4.0),
        )
        words = "The larger a point, the less sure its class."
        made.append(View("Where rows are unsure", html, words))
    return made
