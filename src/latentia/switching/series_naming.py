"""The numbers of a switching autoregression by name, and their standard errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from latentia.hmm.sequential import Place

if TYPE_CHECKING:
    from .autoregressive import MarkovAutoregression


class LaggedErrors(NamedTuple):
    """Standard errors, shaped like the parameters.

    Attributes
    ----------
    start : array of shape (K,), or ()
    transitions : array of shape (K, K)
    series : AutoregressionParams
    note : str
        Why something is missing; empty where all is well.
    """

    start: Any
    transitions: Any
    series: Any
    note: str


def places(estimator: MarkovAutoregression) -> Iterator[Place]:
    """Every number that can differ: its name, its leaf's number, its place there."""
    k, leaf = estimator.n_states, 0
    if estimator.start == "free":
        yield from ((f"start[{j}]", 0, (j,)) for j in range(k))
        leaf = 1
    for i in range(k):
        yield from ((f"transition[{i}, {j}]", leaf, (i, j)) for j in range(k))
    what = "mean" if estimator.form == "mean" else "intercept"
    yield from ((f"{what}[{j}]", leaf + 1, (j,)) for j in range(k))
    for r in range(len(estimator.ar_coefficients_)):
        of = f"{r}, " if estimator.switching_coefficients else ""
        for i in range(estimator.order):
            yield f"ar[{of}lag {i + 1}]", leaf + 2, (r, i)
    for r in range(len(estimator.variances_)):
        name = f"variance[{r}]" if estimator.switching_variance else "variance"
        yield name, leaf + 3, (r,)


def described(estimator: MarkovAutoregression) -> str:
    """What switches, in words."""
    also = [
        *(["coefficients"] if estimator.switching_coefficients else []),
        *(["variances"] if estimator.switching_variance else []),
    ]
    what = "means" if estimator.form == "mean" else "intercepts"
    return f"autoregression of order {estimator.order}, switching {', '.join([what, *also])}"
