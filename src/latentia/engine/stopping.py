"""When to stop: the estimated gain that is left, in nats of the whole objective.

With g the score and f the EM step in the chart, an EM step gains about g·f / 2, and its
error shrinks by a rate that the products of consecutive plain steps show. If the slowest
direction leaves a share r of its error, at most (g·f / 2) / (1 - r) is left to gain.
A remaining gain of d nats moves no parameter by more than sqrt(2 d) of its standard error,
however many rows there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .accelerate import Here

PAIRS = 10
"""Pairs of consecutive plain EM steps that are looked back on."""

NEGLIGIBLE = 1e-6
"""An EM step that gains less than this share of the tolerance needs no rate to be judged by."""

CONFIRMATIONS = 3
"""Plain EM steps that confirm what an accelerator proposes."""


class Progress(NamedTuple):
    """What the stopping rule remembers.

    Attributes
    ----------
    rates : tuple of float
        Rates of the last pairs of plain EM steps, newest last.
    confirming : int
        Plain steps still to take before a verdict; 0 when not confirming.
    plain : int
        Plain EM steps taken in a row up to here.
    """

    rates: tuple[float, ...] = ()
    confirming: int = 0
    plain: int = 0

    def after(self, before: Here, here: Here, enough: float, *, em: bool) -> Progress:
        """The progress after one more accepted step; `enough` is the gain that may remain."""
        if not em:
            # a rate of one or more is a place where EM speeds up; it was left behind
            return Progress(tuple(rate for rate in self.rates if rate < 1))
        rates = self.rates
        if before.em_gain > NEGLIGIBLE * enough:
            rate = float(np.sqrt(max(here.em_gain, 0.0) / before.em_gain))
            rates = (*rates, rate)[-PAIRS:]
        return Progress(rates, max(self.confirming - 1, 0), self.plain + 1)

    @property
    def em_rate(self) -> float:
        """The largest recent rate; nan before there is one."""
        return max(self.rates, default=float("nan"))

    def remaining(self, here: Here, predicted: float, enough: float) -> float:
        """Nats estimated to be left: EM's estimate or the accelerator's, whichever is larger."""
        rate = self.em_rate
        if abs(here.em_gain) <= NEGLIGIBLE * enough:
            own = abs(here.em_gain) / NEGLIGIBLE
        else:
            own = here.em_gain / (1 - rate) if rate < 1 else float("inf")
        if not np.isfinite(predicted):
            return own
        return max(own, predicted)
