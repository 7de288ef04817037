"""What survival curves and regressions of times say: summaries and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from .displays.climb import ClimbDisplay
from .displays.survival import PredictedSurvivalDisplay, SurvivalDisplay
from .figures import Picture, name_a_plot
from .formatting import counted, fixed, significant, status_word, whole
from .parameters import parameters_table, with_errors
from .summary import MOST_ROWS, settings_used
from .tables import Summary


def summarise_curve(estimator: Any, level: float = 0.95, standard_errors: bool = True) -> Summary:
    """What a fitted `SelfConsistent` says.

    Parameters
    ----------
    estimator : SelfConsistent
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether to compute standard errors.

    Returns
    -------
    Summary

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import SelfConsistent
    >>> print(summarise_curve(SelfConsistent().fit(np.array([[1.0, 2.0], [1.5, np.inf]]))))
    Survival curve of 2 times
    =========================
    ...
    """
    fit = estimator.fit_
    estimates, note = with_errors(estimator, level, standard_errors)
    notes = [note] if note else []
    median = estimator.quantile(0.5)
    facts = (
        ("times", whole(fit.n_units)),
        ("intervals with mass", whole(len(estimator.mass_))),
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("at most below the maximum", f"{significant(estimator.gap_, 2)} nats"),
        ("median", _interval(*median)),
        ("ended", status_word(fit.status)),
        ("settings", settings_used(estimator)),
    )
    if len(estimates) > MOST_ROWS:
        left = counted(len(estimates) - MOST_ROWS, "time")
        notes.append(f"{left} not listed; parameter_table() has them.")
    ends = [e._replace(name=e.name[2:-1]) for e in estimates[:MOST_ROWS]]
    return Summary(
        f"Survival curve of {counted(fit.n_units, 'time')}",
        facts,
        (parameters_table(ends, level, title="Survival", heads=("past", "survival"), align="r"),),
        (*notes, *estimator.certificate_.sentences()),
    )


def summarise_censored(
    estimator: Any, level: float = 0.95, standard_errors: bool = True
) -> Summary:
    """What a fitted `CensoredRegression` says.

    Parameters
    ----------
    estimator : CensoredRegression
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether to compute standard errors.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import CensoredRegression
    >>> fitted = CensoredRegression("normal").fit([[1], [2], [3], [4]], [1.0, 2.5, 2.8, 4.1])
    >>> print(summarise_censored(fitted))
    Normal regression
    =================
    ...
    """
    fit = estimator.fit_
    estimates, note = with_errors(estimator, level, standard_errors)
    notes = [note] if note else []
    heights = estimator.criteria()
    facts = (
        ("rows", whole(fit.n_units)),
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic")),
        ("ended", status_word(fit.status)),
        ("settings", settings_used(estimator)),
    )
    if len(estimates) > MOST_ROWS:
        left = counted(len(estimates) - MOST_ROWS, "parameter")
        notes.append(f"{left} not listed; parameter_table() has them.")
    return Summary(
        f"{estimator.distribution.capitalize()} regression",
        facts,
        (parameters_table(estimates[:MOST_ROWS], level),),
        (*notes, *estimator.certificate_.sentences()),
    )


def _interval(left: float, right: float) -> str:
    if left == right:
        return significant(left)
    if np.isinf(right):
        return f"after {significant(left)}"
    return f"after {significant(left)}, up to {significant(right)}"


class CurvePlots:
    """The plots of a survival curve; each method returns a Display.

    Parameters
    ----------
    estimator : SelfConsistent
        Fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import SelfConsistent
    >>> CurvePlots(SelfConsistent().fit(np.array([[1.0, 2.0], [1.5, np.inf]]))).survival()
    <...SurvivalDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def survival(self, **options: Any) -> SurvivalDisplay:
        """The curve; options as for `SurvivalDisplay.from_estimator`."""
        return SurvivalDisplay.from_estimator(self._estimator, **options)

    def figures(self, X: Any = None) -> tuple[Picture, ...]:
        """What a page shows, whatever the rows: the curve."""
        return (
            Picture(
                "survival",
                "The curve of survival",
                "The line is the share that is still to come after each time. In a shaded box the "
                "data do not tell where it falls. Dashed lines are the ends of the intervals.",
                (5.6, 3.6),
                lambda f: self.survival(ax=f.add_subplot()),
            ),
        )

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)


class CensoredPlots:
    """The plots of a regression of times; each method returns a Display.

    Parameters
    ----------
    estimator : CensoredRegression
        Fitted.
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def survival(self, X: Any, **options: Any) -> PredictedSurvivalDisplay:
        """Curves of rows; options as for `PredictedSurvivalDisplay.from_estimator`."""
        return PredictedSurvivalDisplay.from_estimator(self._estimator, X, **options)

    def figures(self, X: Any = None) -> tuple[Picture, ...]:
        """What a page shows of rows of covariates: curves of an early, a middle and a late one."""
        if X is None:
            return ()
        order = np.argsort(self._estimator.predict(X), kind="stable")
        chosen = [order[round(q * (len(order) - 1))] for q in (0.1, 0.5, 0.9)]
        some = X.iloc[chosen] if hasattr(X, "iloc") else np.asarray(X)[chosen]
        labels = [f"row {i}" for i in chosen]
        return (
            Picture(
                "survival",
                "Curves of three rows",
                "Of all rows, by the median that is predicted for them: one that a tenth of them "
                "come before, the one in the middle, and one that a tenth come after.",
                (5.6, 3.6),
                lambda f: self.survival(some, labels=labels, ax=f.add_subplot()),
            ),
        )

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)
