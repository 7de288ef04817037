"""``latentia demo``: Old Faithful, from the data to the report."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    ctx: typer.Context,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write; made where there is none.")
    ] = Path("latentia-demo"),
) -> None:
    """Fit the eruptions of Old Faithful and write a report, a picture and the model."""
