"""Parameters that run to a boundary: tried at exactly zero, held there, released if need be.

EM comes near a zero only in the limit, and acceleration in log coordinates runs after it for
ever. So an entry whose expected count is less than half a unit, or that is tiny, and that both
the score and the EM step push further down, is tried exactly on its bound. The objective
decides. Before a climb is called converged, what was settled since its start is lifted off a
little: where the score then points inward, it was settled wrongly and is let go (an active-set
method; Nocedal & Wright 2006, sec. 16.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .chart import Chart, Lifted, lifted
from .space.constraint import Mask, Running
from .tree import Array, Tree

FEW = 0.5
"""An entry of less than this expected count, in nats, may be zero."""

TINY = 1e-5
"""An entry below this share of the largest of its parameter may be zero, whatever its count."""

WAIT = 4
"""Steps until entries are tried again after they were refused; twice as many each time."""

RELEASES = 10
"""How often a climb lets entries go, at most."""

LIFT = 1e-6
"""How far off its bound an entry is lifted to see which way the score points."""

AWAY = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""How far off its bound an entry is put when it is let go: the first that gains."""

GROWTH = (1e-1, 1e-2, 1e-3, 1e-4)
"""How far off its bound a growing entry is put, in the unit of its parameter."""

CERTAIN = 1e-7
"""An EM step that moves an entry away from its bound by less than this share is rounding."""


class Edges(NamedTuple):
    """What a climb remembers of its boundaries.

    Attributes
    ----------
    wait : int
        Accepted steps to go before entries are tried on their bounds again.
    refusals : int
        How often in a row they were refused.
    releases : int
        How often entries were let go again.
    """

    wait: int = 0
    refusals: int = 0
    releases: int = 0

    def stepped(self) -> Edges:
        """After an accepted step."""
        return self._replace(wait=max(self.wait - 1, 0))

    def refused(self) -> Edges:
        """After a trial that lost."""
        return self._replace(wait=WAIT * 2 ** min(self.refusals, 6), refusals=self.refusals + 1)

    def settled(self) -> Edges:
        """After a trial that held."""
        return self._replace(wait=0, refusals=0)


class Trial(NamedTuple):
    """Some entries to be tried on their bounds: for each leaf how it stands, and which."""

    runs: list[Running | None]
    which: list[Mask]


def trials(chart: Chart, params: Tree, ahead: Tree, score: Array) -> Iterator[Trial]:
    """What to try on its bound: all that runs there, then the half that runs fastest."""
    runs = chart.running(params, ahead, score)
    with np.errstate(all="ignore"):
        which = [_candidates(run, unit) for run, unit in zip(runs, chart.units, strict=True)]
    total = sum(int(np.count_nonzero(mask)) for mask in which)
    if not total:
        return
    yield Trial(runs, which)
    if total > 1:
        rates = np.concatenate(
            [run.shrinking[mask] for run, mask in zip(runs, which, strict=True) if run is not None]
        )
        middle = float(np.median(rates))
        fast = [
            mask if run is None else mask & (run.shrinking <= middle)
            for run, mask in zip(runs, which, strict=True)
        ]
        if sum(int(mask.sum()) for mask in fast) < total:
            yield Trial(runs, fast)


def _candidates(run: Running | None, unit: float) -> Mask:
    if run is None:
        return _NONE
    near = (run.slope / run.shrinking < FEW) | (run.distance < TINY * unit)
    outward = (run.slope < 0) & (run.shrinking < 0) & np.isfinite(run.bound)
    return np.asarray(outward & near, dtype=np.bool_)


_NONE = np.zeros(0, dtype=np.bool_)


def spread(chart: Chart, trial: Trial, share: float) -> list[Array]:
    """Distances from their bounds for growing entries: a share of the unit, or ten times theirs."""
    return [
        np.zeros(0) if run is None else np.maximum(share * unit, 10 * run.distance)
        for run, unit in zip(trial.runs, chart.units, strict=True)
    ]


def growing(chart: Chart, params: Tree, ahead: Tree, score: Array, enough: float) -> Trial | None:
    """Entries near a bound that both the score and the EM step push away from it.

    In the logarithm of its distance such an entry starts on a plain where nothing seems to be
    left to gain; but while it has less than half a count it may gain as much as its slope in the
    distance itself, times the way it may go.
    """
    runs = chart.running(params, ahead, score)
    which: list[Mask] = []
    for run, unit in zip(runs, chart.units, strict=True):
        if run is None:
            which.append(np.zeros(0, dtype=np.bool_))
            continue
        with np.errstate(all="ignore"):
            few = (run.slope > 0) & (run.shrinking > 0) & (run.slope < FEW * run.shrinking)
            worth = (run.slope * unit > enough * run.distance) & (run.distance < unit * GROWTH[1])
            which.append(np.asarray(few & worth & np.isfinite(run.bound), dtype=np.bool_))
    return Trial(runs, which) if any(bool(mask.any()) for mask in which) else None


def inward(raised: Lifted, runs: Sequence[Running | None], unit_gain: float) -> list[Mask] | None:
    """Of the lifted entries those that gain by going on: None where there are none."""
    found = [
        np.zeros_like(mask)
        if run is None or not mask.any()
        else mask & (run.slope > unit_gain * LIFT) & (run.shrinking > CERTAIN)
        for run, mask in zip(runs, raised.which, strict=True)
    ]
    return found if any(bool(mask.any()) for mask in found) else None


def away(space: Tree, params: Tree, start: Tree, go: Sequence[Mask]) -> Iterator[Tree]:
    """`params` with the entries `go` ever nearer to their bounds, the others left on them."""
    for share in AWAY:
        raised = lifted(space, params, start, share)
        if raised is None:
            return
        chart = Chart(space, raised.params)
        runs = chart.running(raised.params, raised.params, np.zeros(chart.size))
        back = [mask & ~going for mask, going in zip(raised.which, go, strict=True)]
        yield chart.settled(raised.params, runs, back)
