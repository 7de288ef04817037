"""When to stop: the estimated gain that is left, in nats of the whole objective.

With g the score and f the EM step in the chart, an EM step gains about g·f / 2, and its
error shrinks by a rate that the products of consecutive plain steps show, and the secants of
any step. If the slowest
direction leaves a share r of its error, at most (g·f / 2) / (1 - r) is left to gain.
A remaining gain of d nats moves no parameter by more than sqrt(2 d) of its standard error,
however many rows there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .accelerate import Here
from .tree import Array

PAIRS = 10
"""Rates that are looked back on."""

NEGLIGIBLE = 1e-6
"""An EM step that gains less than this share of the tolerance needs no rate to be judged by."""

SETTLED = 0.02
"""A rate has settled once it rises by less than this share of its distance to one."""

LONGEST_WAIT = 16
"""Accelerated steps between two confirmations, at most; one, two, four and so on at first."""

CONFIRMATIONS = 3
"""Plain EM steps that confirm what an accelerator proposes."""


class Progress(NamedTuple):
    """What the stopping rule remembers.

    Attributes
    ----------
    rates : array of shape (at most PAIRS,)
        The last rates that pairs of plain EM steps or secants showed, newest last.
    confirming : int
        Plain steps still to take before a verdict; 0 when not confirming.
    plain : int
        Plain EM steps taken in a row up to here.
    asked : int
        Confirmations asked for so far.
    wait : int
        Accelerated steps until the next may be asked for.
    """

    rates: Array = np.empty(0)
    confirming: int = 0
    plain: int = 0
    asked: int = 0
    wait: int = 0

    def confirm(self) -> Progress:
        """Ask for a confirmation, if none is under way and the last one is long enough ago."""
        missing = CONFIRMATIONS - self.plain
        if self.confirming or self.wait or missing <= 0:
            return self
        wait = min(2**self.asked, LONGEST_WAIT)
        return self._replace(confirming=missing, asked=self.asked + 1, wait=wait)

    def interrupted(self) -> Progress:
        """After a move that is no step of the climb: the row of plain steps begins anew."""
        return self._replace(plain=0, confirming=0)

    def after(self, before: Here, here: Here, enough: float, *, em: bool) -> Progress:
        """The progress after one more accepted step; `enough` is the gain that may remain."""
        seen = _rate_along(before, here)
        if not em:
            # a rate of one or more is a place where EM speeds up; it was left behind
            kept = np.array([*self.rates, *seen])
            kept = kept[kept < 1][-PAIRS:]
            return Progress(kept, asked=self.asked, wait=max(self.wait - 1, 0))
        rates = self.rates
        if before.em_gain > NEGLIGIBLE * enough:
            rate = float(np.sqrt(max(here.em_gain, 0.0) / before.em_gain))
            rates = np.array([*rates, max((rate, *seen))])[-PAIRS:]
        return self._replace(
            rates=rates, confirming=max(self.confirming - 1, 0), plain=self.plain + 1
        )

    @property
    def em_rate(self) -> float:
        """The largest recent rate; nan before there is one."""
        return float(self.rates.max()) if len(self.rates) else float("nan")

    @property
    def _where_rates_lead(self) -> float:
        """The largest recent rate, or the limit of the last ones where these still rise.

        The rates of consecutive EM steps rise to that of the slowest direction about
        geometrically, so the limit is Aitken's; one where they do not seem to have any.
        """
        rate = self.em_rate
        if len(self.rates) < 2:
            return rate
        *earlier, before, last = (float(r) for r in self.rates[-3:])
        rise = last - before
        if not rise > SETTLED * (1 - last):
            return rate
        previous = before - earlier[0] if earlier else 0.0
        if not previous > rise:
            return 1.0
        return max(rate, last + rise**2 / (previous - rise))

    def remaining(self, here: Here, predicted: float, enough: float) -> float:
        """Nats estimated to be left: EM's estimate or the accelerator's, whichever is larger."""
        rate = self._where_rates_lead
        if abs(here.em_gain) <= NEGLIGIBLE * enough:
            own = abs(here.em_gain) / NEGLIGIBLE
        elif rate < 1:
            own = abs(here.em_gain) / (1 - rate)
        else:
            own = float("inf")
        if not np.isfinite(predicted):
            return own
        return max(own, predicted)


def _rate_along(before: Here, here: Here) -> tuple[float, ...]:
    """EM's rate along the step between two points, from how score and EM step changed.

    With s the step, I_o and I_c the observed and complete information, 1 - r is
    (I_o s)·(I_c⁻¹ I_o s) / s·(I_o s). An accelerated step follows the slow directions, so it
    shows their rate where a few EM steps do not. Empty where the step shows no concavity.
    """
    step, drop = here.x - before.x, before.score - here.score
    bend = float(step @ drop)
    if not bend > 1e-9:  # nats; less is rounding
        return ()
    rate = 1 - float(drop @ (before.em_step - here.em_step)) / bend
    return (rate,) if 0 < rate < 1 else ()
