"""Parameters that run to a boundary: tried at exactly zero, held there, released if need be."""

from __future__ import annotations

from typing import NamedTuple


class Edges(NamedTuple):
    """What a climb remembers of its boundaries.

    Attributes
    ----------
    wait : int
        Accepted steps to go before parameters are tried at their bounds again.
    releases : int
        How often parameters were let go again.
    """

    wait: int = 0
    releases: int = 0
