"""What a mixture says of data it cannot use, or should not."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from latentia.data.arrays import Rows, ones
from latentia.data.columns import require_no_dates
from latentia.engine import Fit
from latentia.families.family import Family

Array = NDArray[np.float64]


class DataWarning(UserWarning):
    """The data can be fitted but have something the user should know."""


def collapsed(why: str) -> str:
    """scikit-learn's sentence, and the engine's reason."""
    return (
        "Fitting the mixture model failed because some components have ill-defined empirical "
        "covariance (for instance caused by singleton or collapsed samples). Try to decrease the "
        f"number of components, increase reg_covar, or scale the input data. {why}"
    )


def no_maximum(why: str) -> str:
    """Of a mixture of any family that collapsed: the engine's reason."""
    return (
        "Fitting the mixture failed because some component collapsed onto too few different rows; "
        f"use fewer components or another random_state. {why}"
    )


def not_converged(fit: Fit[Any]) -> str:
    """scikit-learn's sentence, and the engine's."""
    return (
        "Best performing initialization did not converge. Try different init parameters, or "
        f"increase max_iter, tol, or check for degenerate data. {fit.status} "
        f"{fit.certificate.remaining}"
    )


def _column(j: int, names: Any) -> str:
    return f"column {j}" if names is None else f"column {str(names[j])!r}"


def require_finite(
    x: Array, names: Any, whose: str = "GaussianMixture", holes: bool = False
) -> None:
    """Refuse infinity, and NaN unless `holes`, naming the first cell; `whose` is the estimator."""
    wrong, first = 0, None
    for at, block in _blocks(x):
        bad = np.isinf(block) if holes else ~np.isfinite(block)
        if bad.any():
            wrong += int(bad.sum())
            if first is None:
                i, j = (int(a) for a in np.argwhere(bad)[0])
                first = at + i, j
    if first is None:
        return
    i, j = first
    what = "NaN" if np.isnan(x[i, j]) else "inf (infinity)"
    cure = "put nan where a cell is missing" if holes else "drop these rows or fill them in"
    raise ValueError(
        f"Input X contains {what} at row {i}, {_column(j, names)} ({wrong} such "
        f"cells in all): {whose} needs finite numbers, so {cure}."
    )


def require_known_columns(x: Array, weights: Array, names: Any) -> None:
    """Refuse a column without any value in the rows that count."""
    known = np.zeros(x.shape[1], dtype=np.bool_)
    for at, block in _blocks(x, 1024):
        used = weights[at : at + 1024] > 0
        known |= (~np.isnan(block[used])).any(axis=0)
        if known.all():
            return
    j = int(np.argmin(known))
    raise ValueError(
        f"Input X contains NaN in every row of {_column(j, names)}: there is nothing to learn of "
        "it, so drop the column"
    )


def require_possible(
    x: Array, names: Any, parts: Sequence[tuple[Sequence[int], Family[Any, Any]]]
) -> None:
    """Refuse what no component could make, naming the first cell.

    `parts` are families with the columns that each sees.
    """
    for at, block in _blocks(x):
        found = [cell for part in parts if (cell := _impossible(block, *part)) is not None]
        if found:
            i, j, told = min(found)
            raise ValueError(told.format(f"at row {at + i}, {_column(j, names)}"))


def _impossible(
    x: Array, columns: Sequence[int], family: Family[Any, Any]
) -> tuple[int, int, str] | None:
    """Row, column and a sentence of the first cell that a family could not make."""
    seen, name = x[:, list(columns)], family.name
    infinite = np.isinf(seen) & (not getattr(family, "censored", False))
    missing = np.isnan(seen) & (not family.takes_missing)
    if (infinite | missing).any():
        i, j = (int(a) for a in np.argwhere(infinite | missing)[0])
        what = "inf (infinity)" if infinite[i, j] else "NaN"
        told = f"{name} needs {'finite numbers' if infinite[i, j] else 'every cell'}"
        return i, columns[j], f"Input X contains {what} {{}}: {told}; drop or fill these rows"
    wrong = family.fault(seen)
    if wrong is None:
        return None
    i, j, expected = wrong
    return i, columns[j], f"got {seen[i, j]:g} {{}} for {name}, {expected}"


def _blocks(x: Array, size: int = 65_536) -> Iterator[tuple[int, Array]]:
    """The number of the first row of each block, and the block."""
    for at in range(0, len(x), size):
        yield at, x[at : at + size]


def at_hand(X: Any, holes: bool = False) -> Any:
    """X; what a path, a Dask collection or a lazy frame stands for as a `Scanned` matrix.

    `holes` says that missing cells of it are kept as nan; otherwise they are refused. Masked
    cells of a masked array are missing.
    """
    if isinstance(X, np.ma.MaskedArray):
        return cast(Any, X.astype(np.float64)).filled(np.nan)
    lazy = type(X).__module__.startswith("dask") or type(X).__name__ == "LazyFrame"
    if isinstance(X, (str, os.PathLike)) or lazy:
        from latentia.data.scan import scan  # narwhals and what it needs: not for arrays

        return scan(cast(Any, X), allow_missing=holes)
    return X


def validated(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X as a float array of the expected width; NaN and infinity are not looked for yet.

    `reset` says that the estimator is being fitted and takes the width and names of X. A matrix
    that is mapped from a file stays so.
    """
    X, names = at_hand(X, estimator.__sklearn_tags__().input_tags.allow_nan), None
    if type(X).__module__ == "latentia.data.scan":
        X, names = X.values, np.array(X.columns, dtype=object)
    with warnings.catch_warnings():
        if names is not None:  # they are compared below
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
        x = _validated(estimator, X, reset=reset)
    if names is not None:
        known = getattr(estimator, "feature_names_in_", None)
        if reset:
            estimator.feature_names_in_ = names
        elif known is not None and list(known) != list(names):
            raise ValueError(
                f"got columns {', '.join(names)}, expected those of the fit: {', '.join(known)}"
            )
    return X if isinstance(X, np.memmap) and x.base is X else x


def _validated(estimator: Any, X: Any, *, reset: bool) -> Any:
    kinds: Any = [np.float64, np.float32]
    least = 2 if reset else 1
    require_no_dates(X)  # which NumPy would count as so many days or nanoseconds
    try:
        return validate_data(
            estimator,
            X,
            reset=reset,
            dtype=kinds,
            ensure_min_samples=least,
            ensure_all_finite=False,
        )
    except (TypeError, ValueError) as error:
        strange = any(what in str(error) for what in ("could not convert", "be promoted"))
        told = _text_cell(X) if strange else None
        if told is None:
            raise
        raise ValueError(told) from error


def _text_cell(x: Any) -> str | None:
    """A sentence naming the first cell of `x` that is no number, or None where there is none."""
    names = getattr(x, "columns", None)
    cells = np.asarray(x, dtype=object)
    if cells.ndim != 2:
        return None
    for i, j in np.ndindex(*cells.shape):
        try:
            float(cells[i, j])
        except (TypeError, ValueError):
            label = None if names is None else list(names)
            what = "string" if isinstance(cells[i, j], str) else type(cells[i, j]).__name__
            return (
                f"could not convert {what} to float: {str(cells[i, j])!r} at row {i}, "
                f"{_column(j, label)} of X; leave that column out or turn it into numbers"
            )
    return None


def checked_weights(sample_weight: Any, x: Array) -> Array:
    """Weights as floats, one a row."""
    if sample_weight is None:
        return ones(len(x))
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(len(x), float(weights))
    if weights.shape != (len(x),):
        raise ValueError(
            f"got sample_weight of shape {weights.shape}, expected ({len(x)},): one weight a row"
        )
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"got sample_weight[{i}] = {weights[i]}, expected a finite number of at least 0"
        )
    if not weights.sum() > 0:
        raise ValueError("got sample_weight that is zero everywhere, expected some positive weight")
    return weights


def training_rows(
    estimator: Any, X: Any, sample_weight: Any, *, holes: bool = False
) -> tuple[Rows, Any]:
    """Rows that a mixture of normal components can be fitted to, and the type of their numbers."""
    x = validated(estimator, X, reset=True)
    names = getattr(estimator, "feature_names_in_", None)
    require_finite(x, names, type(estimator).__name__, holes)
    weights = checked_weights(sample_weight, x)
    require_known_columns(x, weights, names)
    require_enough_rows(weights, estimator.n_components)
    judge_columns(x, weights, names, estimator.reg_covar)
    return Rows(x, weights), x.dtype


def require_enough_rows(weights: Array, n_components: int) -> None:
    """Refuse fewer rows than components."""
    n = int((weights > 0).sum())
    if n < n_components:
        raise ValueError(
            "Expected n_samples >= n_components but got "
            f"n_components = {n_components}, n_samples = {n}; give more rows (of positive weight) "
            "or ask for fewer components."
        )


def require_draws(n_samples: int) -> None:
    """Refuse to draw no row, in scikit-learn's words."""
    if n_samples < 1:
        raise ValueError(
            f"Invalid value for 'n_samples': {n_samples}. The sampling requires at least one "
            "sample."
        )


def judge_columns(x: Array, weights: Array, names: Any, reg_covar: float) -> None:
    """Warn of constant columns, or refuse them where there is no floor; warn of a high floor."""
    first = np.array(x[int(np.argmax(weights > 0))])
    same = np.ones(x.shape[1], dtype=bool)
    for at, block in _blocks(x, 1024):
        known = ~np.isnan(block) & (weights[at : at + 1024, None] > 0)
        if np.isnan(first).any():  # the first of each column that is known
            here = block[known.argmax(axis=0), np.arange(x.shape[1])]
            first = np.where(np.isnan(first) & known.any(axis=0), here, first)
        same &= ((block == first) | ~known).all(axis=0)
        if not same.any():
            break
    constant = np.flatnonzero(same)
    if constant.size:
        j = int(constant[0])
        told = (
            f"{_column(j, names)} is constant (every value is {float(first[j]):g}), so its "
            "variance has no estimate"
        )
        if reg_covar == 0:
            raise ValueError(collapsed(f"{told[0].upper()}{told[1:]}: drop it."))
        warnings.warn(
            f"{told} and is held at reg_covar={reg_covar:g}; drop the column",
            DataWarning,
            stacklevel=4,
        )
    if reg_covar >= 1e-4:
        warnings.warn(
            f"reg_covar={reg_covar:g} is a floor under the eigenvalues of the covariances here, "
            "not a number added to their diagonals as in scikit-learn; results differ where that "
            "mattered",
            DataWarning,
            stacklevel=4,
        )
