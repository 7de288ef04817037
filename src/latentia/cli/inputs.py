"""The data that the user gives, checked before anything is computed."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from latentia.cli.errors import Refusal
from latentia.cli.values import split_columns

if TYPE_CHECKING:
    import numpy as np

_LARGE = 256 * 2**20  # bytes of a file from which it is decoded to disk and not into memory
_ROWS = 65_536


class Input(NamedTuple):
    """Data that were read.

    Attributes
    ----------
    values : ndarray of shape (n, D)
        The numbers.
    columns : tuple of str
        The names of the D columns.
    skipped : tuple of str
        Columns left out because they hold no numbers.
    source : str
        What the data were called on the command line.
    path : Path or None
        The file, or None for a built-in data set.
    """

    values: "np.ndarray"
    columns: tuple[str, ...]
    skipped: tuple[str, ...]
    source: str
    path: Path | None

    def described(self) -> list[str]:
        """What was read, in one or two sentences."""
        n, d = self.values.shape
        built_in = "" if self.path else " (built-in data set)"
        told = [
            f"Read {self.source}{built_in}: {counted(n, 'row')}, {counted(d, 'column')} "
            f"({listed(self.columns)})."
        ]
        named = [name for name in self.skipped if name]
        if named:
            told.append(f"Left out, since not numbers: {listed(named)}.")
        if len(named) < len(self.skipped):
            told.append("Left out, as row numbers: a column without a name.")
        return told


def read_input(
    data: str,
    columns: str | Sequence[str] | None = None,
    *,
    allow_missing: bool = False,
    answers: bool = False,
) -> Input:
    """Read a file, or a built-in data set where there is no file of that name.

    Parameters
    ----------
    data : str
        The path of a file, a folder or a pattern, or the name of a data set. What is more than
        one file, or a large one, is decoded to a cache on disk, which goes with the last array
        that looks at it, or with the process.
    columns : str or sequence of str, optional
        The columns to take, as names or as they were written after ``--columns``.
    allow_missing : bool, default False
        Keep missing values as NaN.
    answers : bool, default False
        Take columns of texts too, of a file that is read at once.

    Returns
    -------
    Input
        The numbers and what they are called.

    Raises
    ------
    Refusal
        There is neither a file nor a data set of that name.
    DataError
        The file cannot be used.

    Examples
    --------
    >>> from latentia.cli.inputs import read_input
    >>> read_input("faithful", "waiting").described()
    ['Read faithful (built-in data set): 272 rows, 1 column (waiting).']
    """
    from latentia import datasets
    from latentia.data.answers import read_answers
    from latentia.data.columns import named_columns
    from latentia.data.listing import is_several
    from latentia.data.scan import scan
    from latentia.data.tables import read_table

    chosen = split_columns(columns) if isinstance(columns, str) else columns
    path = Path(data)
    if not data:
        raise Refusal("the name of the data is empty; give a file, or a built-in data set")
    built_in = data in datasets.names()
    if (is_several(data) and not built_in) or (path.is_file() and path.stat().st_size > _LARGE):
        scanned = scan(data, chosen, allow_missing=allow_missing)
        return Input(scanned.values, scanned.columns, scanned.skipped, data, path)
    if path.is_file() or (not built_in and (path.suffix or path.name != data)):
        if answers:
            table = read_answers(path, chosen)
        else:
            table = read_table(path, chosen, allow_missing=allow_missing)
        return Input(table.values, table.columns, table.skipped, data, path)
    if data not in datasets.names():
        near = difflib.get_close_matches(data, datasets.names(), 1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(datasets.names())}"
        raise Refusal(f"there is neither a file {data!r} nor a built-in data set; {advice}")
    dataset = datasets.load(data)
    if chosen is None:
        return Input(dataset.values, dataset.columns, (), data, None)
    at = [dataset.columns.index(name) for name in named_columns(chosen, dataset.columns, data)]
    return Input(dataset.values[:, at], tuple(chosen), (), data, None)


def check_rows(read: Input, numbers: Sequence[int]) -> None:
    """Refuse data from which no mixture can be estimated.

    Parameters
    ----------
    read : Input
        The data.
    numbers : sequence of int
        The numbers of components to be tried.

    Raises
    ------
    Refusal
        There are fewer rows than components.
    """
    n, most = len(read.values), max(numbers)
    if n < 2:
        raise Refusal(f"{read.source} has 1 row; a mixture needs at least 2")
    if n < most:
        raise Refusal(
            f"{read.source} has {n} rows, fewer than the {most} components of --components; "
            f"ask for at most {n}"
        )


def check_columns(read: Input) -> None:
    """Refuse columns that have no variance to be estimated.

    Parameters
    ----------
    read : Input
        The data.

    Raises
    ------
    Refusal
        A column holds one value only, or none.
    """
    constant = read.values[0] == read.values[0]
    empty = ~constant  # nan is no value, and not itself
    for at in range(0, len(read.values), _ROWS):  # most columns vary early, and data may be large
        if not (constant | empty).any():
            return
        block = read.values[at : at + _ROWS]
        constant &= (block == read.values[0]).all(axis=0)
        empty &= (block != block).all(axis=0)
    if empty.any():
        _leave_out(read, empty, "no value")
    if constant.all():
        raise Refusal(f"all rows of {read.source} are the same; there is nothing to fit")
    if constant.any():
        _leave_out(read, constant, "the same value in every row")


def _leave_out(read: Input, which: "np.ndarray", what: str) -> NoReturn:
    """Refuse some columns, naming them and the option that leaves them out."""
    names = [name for name, so in zip(read.columns, which, strict=True) if so]
    kept = [name for name, so in zip(read.columns, which, strict=True) if not so]
    one = len(names) == 1
    option = f"--columns {','.join(kept)}" if 0 < len(kept) <= 8 else "--columns"
    raise Refusal(
        f"column{'' if one else 's'} {listed(names)} of {read.source} {'holds' if one else 'hold'} "
        f"{what}; leave {'it' if one else 'them'} out with {option}"
    )


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, as in ``1 row`` and ``2 rows``.

    Parameters
    ----------
    n : int
        How many.
    noun : str
        Of what, in the singular.

    Returns
    -------
    str
        The words.
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def listed(names: Sequence[str], at_most: int = 8) -> str:
    """Return the first names and how many more there are.

    Parameters
    ----------
    names : sequence of str
        The names.
    at_most : int, default 8
        How many to show.

    Returns
    -------
    str
        The names separated by commas.
    """
    shown = ", ".join(names[:at_most])
    return shown if len(names) <= at_most else f"{shown} and {len(names) - at_most} more"
