"""``latentia summary``: what a saved model says."""

from pathlib import Path
from typing import Annotated

import typer

from latentia.cli.errors import warnings_as_sentences


def summary(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file that --save wrote.")],
) -> None:
    """Print the parameters and the certificate of a saved model."""
    import latentia
    from latentia.cli.printing import show

    with warnings_as_sentences():
        show(latentia.load(model).summary())
