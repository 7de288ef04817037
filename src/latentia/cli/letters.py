"""Columns of letters, words or other texts that a categorical family takes as codes."""

from typing import Any

from latentia.cli.errors import Refusal

Letters = dict[str, list[str]]
"""What the codes 0, 1, ... of each column of texts stand for."""


def takes_letters(family: Any) -> bool:
    """Whether a family, as it is written after ``--family``, has columns of codes."""
    return "categorical" in str(family)


def coded(
    values: Any, columns: tuple[str, ...], data: str, known: Letters | None = None
) -> tuple[Any, Letters]:
    """Texts as codes, those of each column in their order of the alphabet.

    Parameters
    ----------
    values : array of shape (n, d)
        Numbers, or objects: numbers, texts, and None where a cell is missing.
    columns : tuple of str
    data : str
        What was read, for what is said of it.
    known : dict of str to list of str, optional
        What codes stand for in a fitted model, whose columns have these places.

    Returns
    -------
    values : array of shape (n, d), float64
    letters : dict of str to list of str
        Of the columns of texts.

    Raises
    ------
    Refusal
        A text is none of those known, or a column holds texts and numbers.
    """
    import numpy as np

    made, letters = np.empty(values.shape), {}
    told = list((known or {}).items())
    for j, name in enumerate(columns):
        cells = values[:, j]
        texts = values.dtype == object and any(isinstance(cell, str) for cell in cells)
        of = (known or {}).get(name) or (told[j][1] if j < len(told) else None)
        if not texts and of is None:
            made[:, j] = [np.nan if cell is None else float(cell) for cell in cells]
            continue
        plain = [None if cell is None or cell != cell else _text(cell) for cell in cells]
        found = sorted({cell for cell in plain if cell is not None}) if of is None else of
        place = {letter: float(i) for i, letter in enumerate(found)}
        wrong = [i for i, cell in enumerate(plain) if cell is not None and cell not in place]
        if wrong:
            shown = ", ".join(found[:12]) + (", ..." if len(found) > 12 else "")
            raise Refusal(
                f"got {plain[wrong[0]]!r} in row {wrong[0] + 1} of column {name!r} of {data}, "
                f"expected one of those of the fit: {shown}"
            )
        made[:, j] = [np.nan if cell is None else place[cell] for cell in plain]
        letters[name] = list(found)
    return made, letters


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else f"{cell:g}"
