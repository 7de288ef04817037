"""Parameters drawn so that imputations from them are proper."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, DegenerateFitError, Status
from latentia.engine.backend import blas
from latentia.engine.evaluator import FAILURES
from latentia.estimator import altered

from .conditional import Normal, drawn_moments
from .measured import MeasuredRows
from .model import NormalModel
from .patterns import RowsByPattern

Array = NDArray[np.float64]

FORGOTTEN = 0.01
"""What is left of a chain's memory from one imputation to the next."""

LEAST, MOST = 10, 1000
"""Steps of a chain from one imputation to the next."""


AnyRows = Rows | MeasuredRows


class ChainWarning(UserWarning):
    """A chain of draws that would have to be longer than it is."""


def bootstrap(
    model: NormalModel, rows: AnyRows, centre: Normal, n: int, em: EM, rng: np.random.Generator
) -> list[Normal]:
    """Estimates from rows drawn with replacement, each climb starting at the estimate.

    As in EMB (Honaker & King 2010, American Journal of Political Science 54, 561-581).

    Raises
    ------
    ValueError
        If rows that were drawn have no estimate, which a ridge gives them.
    """
    total = float(rows.weights.sum())
    made: list[Normal] = []
    em = altered(em, {"checkpoint": None})  # which is of the fit to all rows
    for _ in range(n):
        counts = rng.multinomial(round(total), rows.weights / total).astype(np.float64)
        some = np.flatnonzero(counts)
        again = with_weights(rows.take(some), counts[some])
        try:
            fit = em.fit(model, source(again), 0, start=centre)
        except (DegenerateFitError, *FAILURES) as error:
            raise ValueError(
                "rows drawn with replacement have no estimate of their own, as there are so few "
                "different ones among them; give ridge=1, or draw='posterior'"
            ) from error
        if fit.status is Status.INTERRUPTED:  # the engine has caught Ctrl-C
            raise KeyboardInterrupt
        made.append(fit.params)
    return made


def posterior(
    model: NormalModel, rows: AnyRows, centre: Normal, n: int, steps: int, rng: np.random.Generator
) -> list[Normal]:
    """Draws from the posterior by data augmentation, `steps` apart, after as many.

    In turn cells are drawn given the parameters, and these given the cells, under the prior
    |S|^(-(d + 1) / 2) and the model's ridge (Tanner & Wong 1987, JASA 82, 528-540; Schafer 1997,
    sec. 5.4).

    Raises
    ------
    ValueError
        If there are too few rows for the posterior to be proper.
    """
    d = rows.x.shape[1]
    chunks = list(_sorted(model, rows))
    count = sum(float(chunk.weights.sum()) for chunk in chunks)
    degrees = count - 1 + model.ridge
    if not degrees > d - 1:
        raise ValueError(
            f"got {count:g} rows of {d} columns, too few for a posterior; expected more than {d}, "
            "or a larger ridge, or draw='bootstrap'"
        )
    normal = model.inside(centre)
    made: list[Normal] = []
    with blas().limit(limits=1):
        for step in range(1, n * steps + steps + 1):
            first, second = np.zeros(d), np.zeros((d, d))
            for chunk in chunks:
                one, two = drawn_moments(normal, chunk, rng)
                first, second = first + one, second + two
            shift = first / count
            scatter = second - count * np.outer(shift, shift) + model.ridge * model.shape()
            covariance = inverted_wishart(scatter, degrees, rng)
            root = np.linalg.cholesky(covariance)
            mean = normal.mean + shift + root @ rng.standard_normal(d) / np.sqrt(count)
            normal = Normal(mean, covariance)
            if step > steps and step % steps == 0:
                made.append(model.outside(normal))
    return made


def source(rows: AnyRows) -> Any:
    """What hands rows out in chunks."""
    return RowSource(cast(Any, rows))


def with_weights(rows: AnyRows, weights: Array) -> Any:
    """The rows with other weights."""
    x, _, *rest = rows
    return type(rows)(x, weights, *rest)


def _sorted(model: NormalModel, rows: AnyRows) -> Iterator[RowsByPattern | MeasuredRows]:
    """Rows in the frame: by their patterns, and those of which cells are believed."""
    if isinstance(rows, MeasuredRows):
        yield rows.believed(model.frame)
        rows = rows.plain
    for chunk in RowSource(rows).chunks():
        yield RowsByPattern.of(model.frame.into(chunk.x), chunk.weights)


def inverted_wishart(scatter: Array, degrees: float, rng: np.random.Generator) -> Array:
    """A draw of a covariance with this scatter (d, d), by Bartlett's factor of its precision."""
    d = len(scatter)
    factor = np.tril(rng.standard_normal((d, d)), -1)
    factor[np.diag_indices(d)] = np.sqrt(rng.chisquare(degrees - np.arange(d)))
    root = np.linalg.solve(factor, np.linalg.cholesky(scatter).T)
    return root.T @ root


def steps_of(model: NormalModel, rows: AnyRows) -> int:
    """How many steps a chain needs to forget where it was.

    Data augmentation forgets at the rate at which plain EM converges, the largest fraction of
    missing information (Schafer 1997, sec. 3.5.3); some steps of EM show it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = EM(tol=1e-12, max_iter=100, accelerate="none", on_degenerate="status")
        rate = plain.fit(model, source(rows), 0, start=model.first()).certificate.em_rate
    if rate is None or not 0 < rate < 1:
        return LEAST if rate is None or not rate >= 1 else MOST
    steps = int(np.ceil(np.log(FORGOTTEN) / np.log(rate)))
    if steps > MOST:
        warnings.warn(
            f"the chain forgets so slowly (a rate of {rate:.4f} a step) that {steps} steps would "
            f"have to lie between imputations, and {MOST} do; give steps=, ridge= or "
            "draw='bootstrap'",
            ChainWarning,
            stacklevel=4,
        )
    return min(max(steps, LEAST), MOST)


def whole_weights(rows: AnyRows) -> AnyRows:
    """Rows repeated as often as their weights say, which must be whole.

    Raises
    ------
    ValueError
        If a weight is not.
    """
    weights: Any = rows.weights
    if (weights == 1).all():
        return rows
    if (weights != np.round(weights)).any():
        raise ValueError(
            "got sample_weight that are not whole numbers with draw='posterior', which draws the "
            "cells of each row; expected whole ones, or draw='bootstrap'"
        )
    again = rows.take(np.repeat(np.arange(len(rows)), weights.astype(np.intp)))
    return with_weights(again, np.ones(len(again)))


def drawn(
    kind: str,
    model: NormalModel,
    rows: AnyRows,
    centre: Normal,
    n: int,
    em: EM,
    steps: int | None,
    rng: np.random.Generator,
) -> Sequence[Normal]:
    """n distributions to impute from: the estimate itself, or draws "bootstrap" or "posterior"."""
    if kind == "bootstrap":
        return bootstrap(model, rows, centre, n, em, rng)
    if kind == "posterior":
        apart = steps_of(model, rows) if steps is None else steps
        return posterior(model, whole_weights(rows), centre, n, apart, rng)
    return [centre] * n
