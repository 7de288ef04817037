"""`check_model`: whether a model keeps the contract, fault by fault.

Each check is a function that returns None or a sentence naming the fault. They run at random
parameters, where a model that is right only at its own optimum is found out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from . import tree
from .chart import Chart, ConstraintError, arrays, check
from .model import Chunk, Model, Source, Suff
from .numerical import chart_score, gradient_of
from .space import DegenerateError, OutOfChartError
from .tree import Array, Tree

FAR = 2e-3
"""How far differences reach, in the chart's coordinates."""


class ModelFault(AssertionError):
    """A model breaks the contract; the message names each fault."""


@dataclass(frozen=True)
class Checks:
    """What was checked.

    Attributes
    ----------
    passed : tuple of str
        Names of the checks that held.
    skipped : tuple of str
        Names of the checks that the model's flags make void.
    """

    passed: tuple[str, ...]
    skipped: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"passed   {name}" for name in self.passed]
        return "\n".join(lines + [f"skipped  {name}" for name in self.skipped])


class Case(NamedTuple):
    """One model at one random point."""

    model: Model[Any, Any]
    chunk: Any
    params: Tree
    other: Tree
    suff: Suff
    chart: Chart
    open: Any  # the coordinates no floor stands in the way of
    rng: np.random.Generator

    def objective(self, params: Tree) -> float:
        """Log-likelihood plus log-prior."""
        return self.model.e_step(params, self.chunk).loglik + self.model.log_prior(params)

    def bound(self, params: Tree) -> float:
        """What the M-step maximises."""
        return self.model.q(params, self.suff) + self.model.log_prior(params)


def check_model(
    model: Model[Any, Any],
    data: Source | Chunk,
    rng: np.random.Generator | int | None = 0,
    *,
    params: Tree | None = None,
    points: int = 3,
) -> Checks:
    """Check that a model keeps the engine's contract, at random parameters.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
        A few dozen units are enough, and quick.
    rng : numpy.random.Generator or int, default=0
    params : params, optional
        Check around these instead of where ``model.start`` says.
    points : int, default=3
        Random points to check at.

    Returns
    -------
    Checks
        What held.

    Raises
    ------
    ModelFault
        Naming every check that failed and by how much.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import check_model
    >>> from latentia.data.arrays import Frame, Rows
    >>> from latentia.families.covariance import STRUCTURES
    >>> from latentia.families.gaussian import Gaussian
    >>> from latentia.mixture import MixtureModel
    >>> from latentia.mixture.start import guesses
    >>> rows = Rows.of(np.random.default_rng(0).normal(size=(60, 2)))
    >>> family = Gaussian(2, STRUCTURES["full"], Frame.of(rows))
    >>> model = MixtureModel(family, 2, lambda rows, rng: guesses(rows, 2, "random", rng))
    >>> "the score is Fisher's" in check_model(model, rows).passed
    True
    """
    generator = np.random.default_rng(rng)
    source = cast(Any, data)
    chunks: list[Any] = list(source.chunks()) if isinstance(data, Source) else [data]
    chunk = model.prepare(chunks[0])
    faults: dict[str, str] = {}
    void = {name for name, applies in _VOID.items() if applies(model)}
    for _ in range(points):
        try:
            case = _case(model, chunk, params, generator)
        except _Fault as fault:
            raise ModelFault(str(fault)) from None
        for name, test in CHECKS.items():
            if name in void or name in faults or _follows(name, faults):
                continue
            try:
                fault = test(case)
            except (ConstraintError, DegenerateError, OutOfChartError) as error:
                fault = str(error)
            if fault:
                faults[name] = fault
    if faults:
        told = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise ModelFault(f"{type(model).__name__} breaks the contract: {told}")
    return Checks(tuple(name for name in CHECKS if name not in void), tuple(sorted(void)))


def _follows(name: str, faults: dict[str, str]) -> bool:
    """Whether a check of the M-step says nothing new, since its result is not in the space."""
    return "the M-step stays in the space" in faults and name in _OF_M_STEP


class _Fault(Exception):
    pass


def _case(model: Model[Any, Any], chunk: Any, given: Tree | None, rng: np.random.Generator) -> Case:
    start = model.start(chunk, rng, None) if given is None else given
    try:
        check(model.space, start, start)
        around = Chart(model.space, start)
        points: list[Tree] = []
        for _ in range(2):
            x = 0.1 * rng.normal(size=around.size)
            points.append(around.unpack(x))
        chart = Chart(model.space, points[0])
    except (ConstraintError, DegenerateError) as error:
        raise _Fault(f"the start is not in the space: {error}") from None
    suff = model.e_step(points[0], chunk)
    return Case(model, chunk, points[0], points[1], suff, chart, chart.open_at(FAR), rng)


def _off(got: Any, expected: Any, tolerance: float = 1e-8) -> float | None:
    """The largest difference relative to the size of what was expected, if beyond tolerance."""
    worst = 0.0
    for a, b in zip(arrays(got), arrays(expected), strict=True):
        if a.shape != b.shape:
            return float("inf")
        size = max(float(np.max(np.abs(b), initial=0.0)), 1e-8)
        worst = max(worst, float(np.max(np.abs(a - b), initial=0.0)) / size)
    return worst if not worst <= tolerance else None


def _round_trip(case: Case) -> str | None:
    reached = case.chart.unpack(0.1 * case.rng.normal(size=case.chart.size))
    x = case.chart.pack(reached)  # not where it was sent, if a floor was in the way
    off = _off((case.chart.pack(case.chart.unpack(x)),), (x,), 1e-6)
    off = _off(case.chart.unpack(x), reached, 1e-6) if off is None else off
    return None if off is None else f"unpack then pack differ by {off:.2g}"


def _additive(case: Case) -> str | None:
    n = len(case.chunk)
    half = max(n // 3, 1)
    parts = [np.arange(half), np.arange(half, n)]
    total = tree.reduce_in_order(
        [case.model.e_step(case.params, case.chunk.take(p)) for p in parts if len(p)]
    )
    off = _off(total, case.suff)
    return (
        None
        if off is None
        else f"the E-steps of two parts do not add up to that of the whole, off by {off:.2g}"
    )


def _replicated(case: Case) -> str | None:
    counts = case.rng.integers(0, 4, size=len(case.chunk))
    if not counts.any():
        counts[0] = 1
    repeated = case.chunk.take(np.repeat(np.arange(len(counts)), counts))
    weighted = case.chunk.reweight(counts.astype(np.float64))
    off = _off(case.model.e_step(case.params, weighted), case.model.e_step(case.params, repeated))
    return None if off is None else f"weights and repeated units differ by {off:.2g}"


def _units(case: Case) -> str | None:
    total = tree.reduce_in_order(case.model.unit_stats(case.params, case.chunk))
    off = _off(total, case.suff)
    return None if off is None else f"unit_stats do not add up to the E-step, off by {off:.2g}"


def _linear(case: Case) -> str | None:
    other = case.model.e_step(case.other, case.chunk)
    mixed = tree.add(tree.scale(case.suff, 0.3), tree.scale(other, 1.7))
    q = [case.model.q(case.params, suff) for suff in (case.suff, other, mixed)]
    expected = 0.3 * q[0] + 1.7 * q[1]
    off = _off((np.array(q[2]),), (np.array(expected),))
    return (
        None
        if off is None
        else f"q of a combination is {q[2]:.8g}, the combination of q's is {expected:.8g}"
    )


def _gradient(function: Callable[[Tree], float], case: Case) -> Array:
    return gradient_of(lambda x: function(case.chart.unpack(x)), np.zeros(case.chart.size))


def _own_score(case: Case) -> str | None:
    own = chart_score(case.model, case.chart, case.params, case.suff)
    off = _off((own[case.open],), (_gradient(case.bound, case)[case.open],), 1e-5)
    return None if off is None else f"`score` is not the gradient of q, off by {off:.2g}"


def _fisher(case: Case) -> str | None:
    own = chart_score(case.model, case.chart, case.params, case.suff)
    off = _off((own[case.open],), (_gradient(case.objective, case)[case.open],), 1e-5)
    return (
        None
        if off is None
        else (
            f"the gradient of q at the parameters that made the statistics is not that of loglik, "
            f"off by {off:.2g}; a factor or a term may be missing from q, or loglik is wrong"
        )
    )


def _m_step_in_space(case: Case) -> str | None:
    check(case.model.space, case.model.m_step(case.suff, case.params), case.params)
    return None


def _m_step_rises(case: Case) -> str | None:
    before = case.bound(case.params)
    after = case.bound(case.model.m_step(case.suff, case.params))
    if after >= before - 1e-9 * max(1.0, abs(before)):
        return None
    return f"the M-step lowered q from {before:.8g} to {after:.8g}"


def _m_step_maximises(case: Case) -> str | None:
    top = case.model.m_step(case.suff, case.params)
    chart = Chart(case.model.space, top)
    at_top = _gradient(case.bound, case._replace(chart=chart)) * chart.open_at(FAR)
    before = chart_score(case.model, case.chart, case.params, case.suff)
    size = max(float(np.max(np.abs(before), initial=0.0)), 1e-3 * case.suff.n_units)
    worst = float(np.max(np.abs(at_top), initial=0.0)) / size
    if not worst > 1e-5:
        return None
    i = int(np.argmax(np.abs(at_top)))
    return (
        f"the gradient of q at the M-step's result is not zero in {chart.labels()[i]} "
        f"({worst:.2g} of the score before)"
    )


def _ascends(case: Case) -> str | None:
    before = case.objective(case.params)
    after = case.objective(case.model.m_step(case.suff, case.params))
    if after >= before - 1e-10 * max(1.0, abs(before)):
        return None
    return f"an EM step lowered the objective from {before:.8g} to {after:.8g}"


def _tempered(case: Case) -> str | None:
    tempered: Any = getattr(case.model, "tempered_e_step", None)
    off = _off(tempered(case.params, case.chunk, 1.0), case.suff)
    return (
        None if off is None else f"the tempered E-step at 1 differs from the plain one by {off:.2g}"
    )


CHECKS: dict[str, Callable[[Case], str | None]] = {
    "packing goes round": _round_trip,
    "E-steps add up over chunks": _additive,
    "weights are replication": _replicated,
    "unit statistics add up": _units,
    "q is linear in the statistics": _linear,
    "the score is that of q": _own_score,
    "the score is Fisher's": _fisher,
    "the M-step stays in the space": _m_step_in_space,
    "the M-step raises q": _m_step_rises,
    "the M-step maximises q": _m_step_maximises,
    "an EM step ascends": _ascends,
    "a tempered E-step at 1 is plain": _tempered,
}

_OF_M_STEP = ("the M-step raises q", "the M-step maximises q", "an EM step ascends")

_VOID: dict[str, Callable[[Model[Any, Any]], bool]] = {
    "the score is Fisher's": lambda model: not model.exact_e_step or model.stochastic,
    "the M-step raises q": lambda model: not model.m_step_exact,
    "the M-step maximises q": lambda model: not model.m_step_exact,
    "an EM step ascends": lambda model: (
        not model.m_step_exact or not model.exact_e_step or model.stochastic
    ),
    "E-steps add up over chunks": lambda model: model.stochastic,
    "weights are replication": lambda model: model.stochastic,
    "unit statistics add up": lambda model: model.stochastic,
    "a tempered E-step at 1 is plain": lambda model: not hasattr(model, "tempered_e_step"),
}
