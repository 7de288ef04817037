"""What people read: summaries, plots, and the report in one HTML file."""

from .displays import (
    ClimbDisplay,
    CriterionDisplay,
    DensityDisplay,
    MembershipDisplay,
    PairsDisplay,
    Plots,
)
from .html import write_report
from .summary import Summary, Table, summarise_mixture, summarise_selection

__all__ = [
    "ClimbDisplay",
    "CriterionDisplay",
    "DensityDisplay",
    "MembershipDisplay",
    "PairsDisplay",
    "Plots",
    "Summary",
    "Table",
    "summarise_mixture",
    "summarise_selection",
    "write_report",
]
