"""What a classifier by Gaussian densities says: a summary and its pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from .displays import ClassificationDisplay, UncertaintyDisplay
from .figures import name_a_plot
from .formatting import counted, fixed, one_line, share, status_word, whole
from .summary import settings_used
from .tables import Summary, Table

MOST_CLASSES = 12
"""Classes whose confusion is a table; of more, what is wrong is counted."""


def summarise_discriminant(estimator: Any) -> Summary:
    """What a fitted `MixtureDiscriminant` says of its classes.

    Parameters
    ----------
    estimator : MixtureDiscriminant
        Fitted.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import MixtureDiscriminant, datasets
    >>> iris = datasets.load("iris")
    >>> print(summarise_discriminant(MixtureDiscriminant("EDDA").fit(iris.values, iris.labels)))
    Discriminant analysis of 3 classes by Gaussian densities (EDDA)
    ...
    """
    classes = [one_line(each) for each in estimator.classes_]
    tables = [_classes(estimator, classes)]
    if 1 < len(classes) <= MOST_CLASSES:
        tables.append(confusion_table(estimator, classes))
    return Summary(
        f"Discriminant analysis of {len(classes)} class{'' if len(classes) == 1 else 'es'} by "
        f"{'Gaussian mixtures' if estimator.n_components_.max() > 1 else 'Gaussian densities'} "
        f"({estimator.model_type})",
        _facts(estimator),
        tuple(tables),
        tuple(notes_of(estimator, classes)),
    )


def _facts(estimator: Any) -> tuple[tuple[str, str], ...]:
    n, heights = estimator.confusion_.sum(), estimator.criteria()
    wrong = n - np.trace(estimator.confusion_)
    return (
        ("data", f"{whole(n)} rows, {counted(estimator.n_features_in_, 'column')}"),
        ("log-likelihood", f"{fixed(estimator.loglik_, 4)} (of the rows without their classes)"),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic")),
        ("wrong", f"{whole(wrong)} of these rows ({share(float(wrong / n))})"),
        ("ended", status_word(worst_of(estimator).status)),
        ("settings", settings_used(estimator, worst_of(estimator))),
    )


def worst_of(estimator: Any) -> Any:
    """The certificate of a mixture that did not converge, or else the first."""
    unfinished = (c for c in estimator.certificates_ if c.status is not c.status.CONVERGED)
    return next(unfinished, estimator.certificates_[0])


def _classes(estimator: Any, classes: list[str]) -> Table:
    rows = zip(
        classes,
        (whole(count) for count in estimator.confusion_.sum(axis=1)),
        (fixed(float(prior), 4) for prior in estimator.class_prior_),
        estimator.covariance_types_,
        (whole(number) for number in estimator.n_components_),
        strict=True,
    )
    heads = ("class", "rows", "prior", "covariance", "components")
    return Table("Classes", heads, tuple(rows), "lrrlr")


def confusion_table(estimator: Any, classes: list[str]) -> Table:
    """How many rows of each class would be put into which."""
    rows = tuple(
        (name, *(whole(count) for count in counts))
        for name, counts in zip(classes, estimator.confusion_, strict=True)
    )
    return Table(
        "Predicted for the rows of each class", ("class", *classes), rows, "l" + "r" * len(rows)
    )


def notes_of(estimator: Any, classes: list[str]) -> list[str]:
    """What must be known of the fit."""
    told = [
        "New rows are more often wrong than those of the fit; cross-validation tells how often."
    ]
    together = len(estimator.mixtures_) == 1
    for name, certificate in zip(classes, estimator.certificates_, strict=False):
        whose = "" if together else f"Class {name}: "
        held = certificate.active_floors
        if certificate.status is not certificate.status.CONVERGED:
            told.append(f"{whose}{certificate.ending}")
        elif held:
            told.append(f"{whose}Held up by a floor: {', '.join(held[:6])}.")
    return told


class DiscriminantPlots:
    """The plots of one fitted classifier; each method returns a Display.

    Parameters
    ----------
    estimator : MixtureDiscriminant
        Fitted.

    Examples
    --------
    >>> from latentia import MixtureDiscriminant, datasets
    >>> iris = datasets.load("iris")
    >>> edda = MixtureDiscriminant("EDDA").fit(iris.values, iris.labels)
    >>> DiscriminantPlots(edda).classification(iris.values, pair=(2, 3))
    <...ClassificationDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def classification(self, X: Any, **options: Any) -> ClassificationDisplay:
        """Rows by class; options as for `ClassificationDisplay.from_estimator`."""
        return ClassificationDisplay.from_estimator(self._estimator, X, **options)

    def uncertainty(self, X: Any, **options: Any) -> UncertaintyDisplay:
        """Where rows are unsure; options as for `UncertaintyDisplay.from_estimator`."""
        return UncertaintyDisplay.from_estimator(self._estimator, X, **options)
