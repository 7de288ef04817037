"""What people read: summaries, plots, and the report in one HTML file."""

from .displays import (
    ClassificationDisplay,
    ClimbDisplay,
    ContoursDisplay,
    CriterionDisplay,
    DensityDisplay,
    ItemResponsesDisplay,
    LinesDisplay,
    MarginalsDisplay,
    MembershipDisplay,
    PairsDisplay,
    ParallelDisplay,
    Plots,
    ProfileDisplay,
    UncertaintyDisplay,
)
from .html import write_report
from .summary import Summary, Table, summarise_mixture, summarise_selection

__all__ = [
    "ClassificationDisplay",
    "ClimbDisplay",
    "ContoursDisplay",
    "CriterionDisplay",
    "DensityDisplay",
    "ItemResponsesDisplay",
    "LinesDisplay",
    "MarginalsDisplay",
    "MembershipDisplay",
    "PairsDisplay",
    "ParallelDisplay",
    "Plots",
    "ProfileDisplay",
    "Summary",
    "Table",
    "UncertaintyDisplay",
    "summarise_mixture",
    "summarise_selection",
    "write_report",
]
