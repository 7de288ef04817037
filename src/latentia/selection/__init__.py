"""Choosing among estimators: `select`, what it tried, and why the best is the best."""

from .candidates import SMALLEST_VARIANCE, Candidate, Selection
from .sweep import select

__all__ = ["SMALLEST_VARIANCE", "Candidate", "Selection", "select"]
