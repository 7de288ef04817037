"""What is typed after options, read and checked: lists, ranges, names, numbers."""

import csv
import difflib
import re
from collections.abc import Callable, Sequence

from latentia.cli.errors import Refusal

_MOST_VALUES = 1000
_RANGE = re.compile(r"(\d+)(?::(\d+))?")


def split_columns(text: str, option: str = "--columns") -> list[str]:
    """Split names separated by commas; one with a comma in it stands in double quotes.

    Parameters
    ----------
    text : str
        What was written after the option.
    option : str, default "--columns"
        Its name.

    Returns
    -------
    list of str
        The names.

    Raises
    ------
    Refusal
        A name is empty.

    Examples
    --------
    >>> from latentia.cli.values import split_columns
    >>> split_columns('waiting, "height, in cm"')
    ['waiting', 'height, in cm']
    """
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [""])]
    if not names or not all(names):
        raise Refusal(
            f"{option} {text!r} has an empty name in it; "
            f"give the names separated by commas, as in {option} a,b"
        )
    return names


def split_components(text: str, option: str = "--components", least: int = 1) -> list[int]:
    """Read numbers of components: ``3``, ``1:9`` (both ends included) or ``1,2,5``.

    Parameters
    ----------
    text : str
        What was written after the option.
    option : str, default "--components"
        Its name, in the plural of what is counted.
    least : int, default 1
        The smallest number that makes sense.

    Returns
    -------
    list of int
        The numbers in ascending order, each once.

    Raises
    ------
    Refusal
        It is none of these, below `least`, or a range that ends before it begins.

    Examples
    --------
    >>> from latentia.cli.values import split_components
    >>> split_components("1:3,6")
    [1, 2, 3, 6]
    """
    numbers: set[int] = set()
    text = text.strip() or "''"
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            raise Refusal(
                f"got {option} {text}, expected whole numbers of at least {least} "
                "written as 3, 1:9 or 1,2,5"
            )
        low = int(found[1])
        high = low if found[2] is None else int(found[2])
        if min(low, high) < least:
            raise Refusal(f"got {option} {text}, but a model has at least {least}")
        if high < low:
            raise Refusal(
                f"got {option} {text}, a range that ends before it begins; "
                f"write {high}:{low} to try these numbers"
            )
        if high - low >= _MOST_VALUES:
            raise Refusal(
                f"got {option} {text}, more than {_MOST_VALUES} models; give a shorter range"
            )
        numbers.update(range(low, high + 1))
    return sorted(numbers)


def split_names(option: str, text: str, known: Sequence[str]) -> list[str]:
    """Read names separated by commas, or say which one was probably meant.

    Parameters
    ----------
    option : str
        The option they were given to.
    text : str
        What was written after it.
    known : sequence of str
        The names there are.

    Returns
    -------
    list of str
        The names in the order given, each once; one with ``_`` for ``-`` is taken, too.

    Raises
    ------
    Refusal
        A name is not known.

    Examples
    --------
    >>> from latentia.cli.values import split_names
    >>> split_names("--durations", "negative_binomial,free", ("free", "negative-binomial"))
    ['negative-binomial', 'free']
    >>> split_names("--covariance", "ful", ("full", "tied"))
    Traceback (most recent call last):
    latentia.cli.errors.Refusal: got --covariance ful, expected full or tied; did you mean full?
    """
    alike = {name.replace("-", "_"): name for name in known}  # as Python spells them
    asked = [name.strip() for name in text.split(",")]
    names = list(dict.fromkeys(alike.get(name, name) for name in asked))
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, 1)
            raise Refusal(
                f"got {option} {name or repr(text)}, expected {', '.join(known[:-1])} "
                f"or {known[-1]}" + (f"; did you mean {near[0]}?" if near else "")
            )
    return names


def one_of(option: str, text: str, known: Sequence[str]) -> str:
    """Read one name of some that are known.

    Parameters
    ----------
    option, text, known
        As for `split_names`.

    Returns
    -------
    str
        The name.

    Raises
    ------
    Refusal
        There are several, or it is not known.
    """
    chosen = split_names(option, text, known)
    if len(chosen) > 1:
        raise Refusal(f"got {option} {text}, expected one of {', '.join(known)}")
    return chosen[0]


def whole_number(option: str, least: int = 1, most: int = 2**32 - 1) -> Callable[[object], int]:
    """Make a reader of whole numbers.

    Parameters
    ----------
    option : str
        The option they are given to.
    least, most : int
        The bounds, both included.

    Returns
    -------
    callable
        Makes an int of a text, or raises `Refusal`.

    Examples
    --------
    >>> from latentia.cli.values import whole_number
    >>> whole_number("--starts")("20")
    20
    """

    def read(text: object) -> int:
        try:
            number = int(str(text))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            bounds = f"of at least {least}" if number < least else f"of at most {most}"
            raise Refusal(f"got {option} {text}, expected a whole number {bounds}")
        return number

    return read


def not_negative(option: str) -> Callable[[object], float]:
    """Make a reader of numbers that are not negative.

    Parameters
    ----------
    option : str
        The option they are given to.

    Returns
    -------
    callable
        Makes a float of a text, or raises `Refusal`.

    Examples
    --------
    >>> from latentia.cli.values import not_negative
    >>> not_negative("--tol")("1e-6")
    1e-06
    """

    def read(text: object) -> float:
        try:
            number = float(str(text))
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            raise Refusal(f"got {option} {text}, expected a finite number of at least 0")
        return number

    return read
