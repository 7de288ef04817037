"""What tells whether a fitted imputer can be trusted, and how much hangs on it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.exceptions import NotFittedError

from latentia.data.arrays import Rows
from latentia.engine import EM
from latentia.estimator import climb_settings, feature_names
from latentia.mixture import errors

from . import dispersion, filling, overimputation, scales, sensitivity
from .dispersion import Dispersion
from .estimator import IncompleteNormal
from .little import LittleTest
from .overimputation import Overimputation
from .sensitivity import Sensitivity

if TYPE_CHECKING:
    from .imputer import EMImputer

UNITS = ("value", "sd")
"""What shifts may be in."""

TIGHT = 1e-8
"""The tolerance of Little's test, in nats."""


def little_test_of(normal: IncompleteNormal, ridge: float) -> LittleTest:
    """Little's test on the data of a fit, by maximum likelihood."""
    plain = isinstance(normal._data, Rows)
    if normal._data is None or (plain and not ridge):
        return normal.little_test()
    test = IncompleteNormal(em=EM(tol=TIGHT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DataWarning)  # said when it was fitted
        rows = Rows(normal._data.x, normal._data.weights)
        test.fit_rows(rows, normal.patterns_.columns, np.float64)
    return test.little_test()


def overimpute(
    imputer: EMImputer, X: Any, *, level: float = 0.9, most: int = 2000
) -> Overimputation:
    """Each value that was seen, treated as missing, against the interval of what is imputed.

    Parameters
    ----------
        X : array-like of shape (n, d)
            The table of the fit, or another one.
        level : float, default=0.9
            Of the intervals.
        most : int, default=2000
            Values of each column that are looked at, at most.

    Returns
    -------
        Overimputation

    Examples
    --------
        >>> from latentia import EMImputer, datasets
    >>> from latentia.missing import overimpute
        >>> air = datasets.load("airquality").values[:, :4]
        >>> imputer = EMImputer(draw="bootstrap", n_imputations=20, random_state=0).fit(air)
        >>> print(overimpute(imputer, air))
        90 % intervals of values that were seen, as if missing
        x0   92.2 % of 116 hold the value
        x1   91.8 % of 146 hold the value
        x2   90.2 % of 153 hold the value
        x3   90.2 % of 153 hold the value
    """
    imputer._fitted_normal()
    if not 0 < level < 1:
        raise ValueError(f"got level={level!r}, expected a number between 0 and 1")
    if most < 1:
        raise ValueError(f"got most={most!r}, expected at least 1 value of each column")
    read = filling.read(imputer, X)
    names = feature_names(imputer, read.x.shape[1])
    y = imputer._design.into(read.x, read.hidden, names)
    args = (imputer._design, imputer.draws_, y, names, level, most)
    return overimputation.overimputed(*args)


class Filled(NamedTuple):
    """What was seen of a column, and what was imputed.

    Attributes
    ----------
    name : str
    seen : array of shape (s,)
    imputed : array of shape (m, h)
        Of the h missing cells, in each of m imputations.
    labels : tuple of str
        Of categories, whose places the numbers are; empty for numbers.
    """

    name: str
    seen: Any
    imputed: Any
    labels: tuple[str, ...]


def filled_columns(imputer: EMImputer, X: Any) -> list[Filled]:
    """What was seen and what is imputed of each column with missing cells.

    Parameters
    ----------
    imputer : EMImputer
        Fitted.
    X : array-like of shape (n, d)

    Returns
    -------
    list of Filled

    Examples
    --------
    >>> from latentia import EMImputer, datasets
    >>> air = datasets.load("airquality").values
    >>> ozone, sunshine = filled_columns(EMImputer().fit(air), air)
    >>> ozone.seen.shape, ozone.imputed.shape, sunshine.imputed.shape
    ((116,), (1, 37), (1, 7))
    """
    imputer._fitted_normal()
    read = filling.read(imputer, X)
    tables = [filling.filled(imputer, read, i) for i in range(imputer.n_imputations)]
    names = feature_names(imputer, read.x.shape[1])
    made: list[Filled] = []
    for j in map(int, imputer._design.columns.kept):
        mine = read.hidden[:, j]
        if mine.any():
            imputed = np.array([table[mine, j] for table in tables], dtype=np.float64)
            labels = imputer._categories.get(j, ())
            made.append(Filled(names[j], np.asarray(read.x[~mine, j]), imputed, labels))
    return made


def hidden_of(imputer: EMImputer, X: Any) -> tuple[Any, list[str]]:
    """Which cells of the columns that are modelled or filled are missing, and their names."""
    imputer._fitted_normal()
    read = filling.read(imputer, X)
    names = feature_names(imputer, read.x.shape[1])
    shown = [j for j, name in enumerate(names) if name in imputer.patterns_.columns]
    return read.hidden[:, shown], [names[j] for j in shown]


def disperse(imputer: EMImputer, n_starts: int = 5) -> Dispersion:
    """Climbs from starts far apart, on the data of the fit: whether there is one top.

    Parameters
    ----------
    imputer : EMImputer
        Fitted.
    n_starts : int, default=5

    Returns
    -------
    Dispersion

    Examples
    --------
        >>> from latentia import EMImputer, datasets
    >>> from latentia.missing import disperse
        >>> imputer = EMImputer().fit(datasets.load("nhanes").values)
        >>> disperse(imputer).one_top
        True
    """
    normal = imputer._fitted_normal()
    if n_starts < 1:
        raise ValueError(f"got n_starts={n_starts!r}, expected at least 1")
    if normal._data is None:
        raise NotFittedError(
            "the data of the fit are not kept in model files, and climbs need them; fit again"
        )
    tol = min(imputer.tol, 1e-6)
    em = climb_settings(
        imputer.em, {"tol": tol, "max_iter": imputer.max_iter}, {"tol": 0, "max_iter": 1000}
    )
    rng = np.random.default_rng(imputer._seed())
    args = (normal._model(), normal._data, normal.fit_.params, em, n_starts, rng)
    return dispersion.dispersed(*args)


def shift_imputed(
    imputer: EMImputer,
    X: Any,
    column: Any,
    shifts: Sequence[float],
    estimate: Callable[[Any], tuple[Any, ...]],
    *,
    unit: str = "value",
    names: Sequence[str] | None = None,
    level: float = 0.95,
) -> Sensitivity:
    """A result, pooled, if missing values of a column are other than the model expects.

        What is imputed is shifted by each of some numbers, a pattern-mixture model in which rows
        with and without the value differ by so much given the rest.

    Parameters
    ----------
        X : array-like of shape (n, d)
        column : str or int
        shifts : sequence of float
        estimate : callable
            Of an imputed table gives estimates, their variances, and perhaps degrees of freedom, as
            `pool` takes them.
        unit : {"value", "sd"}, default="value"
            What shifts are in: the column's units, or standard deviations of what was seen of it.
        names : sequence of str, optional
            Of the estimates.
        level : float, default=0.95

    Returns
    -------
        Sensitivity

    Raises
    ------
    ValueError
        If there is one imputation only, or what is asked makes no sense.

    References
    ----------
        Little (1993), Pattern-mixture models for multivariate incomplete data, JASA 88, 125-134;
        van Buuren (2018), Flexible Imputation of Missing Data, 2nd ed., sec. 9.2.

    Examples
    --------
        >>> from latentia import EMImputer, datasets
    >>> from latentia.missing import shift_imputed
        >>> air = datasets.load("airquality").values[:, :4]
        >>> imputer = EMImputer(draw="bootstrap", n_imputations=20, random_state=0).fit(air)
        >>> mean = lambda table: (table[:, 0].mean(), table[:, 0].var() / len(table))
        >>> shift_imputed(imputer, air, 0, [-10, 0, 10], mean).pooled[0].estimate.round(1)
        np.float64(39.5)
    """
    imputer._fitted_normal()
    read = filling.read(imputer, X)
    called = feature_names(imputer, read.x.shape[1])
    j = scales.position(column, called, "sensitivity")
    if j not in imputer._design.columns.modelled:
        raise ValueError(
            f"got the column {called[j]!r}, expected one that is modelled as numbers: categories "
            "cannot be shifted"
        )
    if imputer.draw is None or imputer.n_imputations < 2:
        raise ValueError(
            "got an imputer of one table, expected draw='bootstrap' or 'posterior' and "
            "n_imputations of at least 2, whose estimates can be pooled"
        )
    grid = np.asarray(shifts, dtype=np.float64)
    if grid.ndim != 1 or not grid.size or not np.isfinite(grid).all():
        raise ValueError(f"got shifts={shifts!r}, expected a list of finite numbers")
    if unit not in UNITS:
        raise ValueError(f"got unit={unit!r}, expected 'value' or 'sd'")
    seen = read.x[~read.hidden[:, j], j]
    size = float(np.std(seen)) if unit == "sd" else 1.0
    scale = imputer._design.scales[j]._replace(transform="")

    def tables(by: float) -> Iterator[Any]:
        def moved(out: Any, hidden: Any) -> None:
            mine = hidden[:, j]
            out[mine, j] = scale.back(out[mine, j] + by * size)

        for i in range(imputer.n_imputations):
            yield filling.contained(imputer, filling.imputed(imputer, read, i, moved), X)

    pooled = sensitivity.shifted_estimates(tables, grid.tolist(), estimate)
    n = np.size(pooled[0].estimate)
    if names is None:
        names = [f"estimate {i + 1}" for i in range(n)] if n > 1 else ["estimate"]
    if len(names) != n:
        raise ValueError(f"got {len(names)} names, expected {n}, one for each estimate")
    return Sensitivity(called[j], grid, unit, pooled, tuple(names), level)
