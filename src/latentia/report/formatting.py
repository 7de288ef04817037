"""Numbers and names as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import floor, isfinite, log10

from latentia.engine import Status

MINUS, FIGURE_SPACE, POINT_SPACE = "\u2212", "\u2007", "\u2008"
"""The sign, and blanks as wide as a digit and as a decimal point."""

FIRST_GROUP = 0
"""The number of the first group: groups are numbered as `predict` numbers them."""


def decimals_for(step: float, significant: int = 3) -> int:
    """Decimals that give a number of the size of `step` so many significant digits.

    Examples
    --------
    >>> decimals_for(0.0292), decimals_for(41.3), decimals_for(5120.0)
    (4, 1, 0)
    """
    if not (isfinite(step) and step != 0):
        return significant
    return min(max(significant - 1 - floor(log10(abs(step))), 0), 12)


def fixed(value: float, decimals: int, missing: str = "") -> str:
    """A number with so many decimals; `missing` where there is none.

    Examples
    --------
    >>> fixed(-0.00001, 3), fixed(1234.5, 1), fixed(float("nan"), 2)
    ('0.000', '1234.5', '')
    """
    if value != value:
        return missing
    if not isfinite(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) >= 1e15:
        return f"{value:.6g}"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def significant(value: float, digits: int = 4) -> str:
    """A number to so many significant digits, without an exponent where it is readable so.

    Examples
    --------
    >>> significant(79.968), significant(123456.7), significant(2.5e-7)
    ('79.97', '123457', '2.5e-07')
    """
    if value == 0 or not isfinite(value):
        return fixed(value, 0, "")
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.{digits}g}"
    return fixed(value, decimals_for(value, digits))


def with_error(value: float, *others: float, error: float) -> tuple[str, ...]:
    """An estimate, then other numbers, to as many decimals as its standard error deserves.

    Three significant digits of the error are shown, and as many decimals of the rest.

    Examples
    --------
    >>> with_error(0.355873, 0.2987, 0.4131, error=0.029214)
    ('0.3559', '0.2987', '0.4131')
    """
    if isfinite(error) and error > 0:
        decimals = decimals_for(error)
        if error < 1e-10:
            return tuple(f"{v:.6g}" if v == v else "" for v in (value, *others))
    elif value != 0 and isfinite(value) and not 1e-5 <= abs(value) < 1e9:
        return tuple(f"{v:.5g}" if v == v else "" for v in (value, *others))
    else:
        decimals = decimals_for(value or 1.0, 5)  # a probability of zero as one of one
    return tuple(fixed(v, decimals) for v in (value, *others))


def with_interval(value: float, se: float, lower: float, upper: float) -> tuple[str, ...]:
    """An estimate, its standard error and the ends of its interval, as cells of a table.

    What is held by an edge, a floor or as known has no error of its own, and none is printed.

    Examples
    --------
    >>> with_interval(0.355873, 0.029214, 0.2987, 0.4131)
    ('0.3559', '0.0292', '0.2987', '0.4131')
    >>> with_interval(1.0, 0.0, 1.0, 1.0)
    ('1.0000', 'held', '', '')
    """
    told = with_error(value, se, lower, upper, error=se)
    return (told[0], "held", "", "") if se == 0 else told


def share(fraction: float) -> str:
    r"""A fraction in per cent that does not round a few rows to none or to all.

    Examples
    --------
    >>> [share(f).replace("\u00a0", " ") for f in (0.6441, 0.0004, 0.99999, 1.0)]
    ['64.4 %', 'less than 0.1 %', 'more than 99.9 %', '100 %']
    """
    if 0 < fraction < 0.0005:
        return "less than 0.1\u00a0%"
    if 0.9995 <= fraction < 1:
        return "more than 99.9\u00a0%"
    return f"{fixed(100 * fraction, 0 if fraction in (0, 1) else 1)}\u00a0%"


def whole(count: float) -> str:
    """A count with its thousands apart.

    Examples
    --------
    >>> whole(272), whole(100000)
    ('272', '100,000')
    """
    return f"{count:,.0f}" if float(count).is_integer() else f"{count:,.1f}"


def on_the_point(texts: Sequence[str], blank: str = " ", point: str = " ") -> list[str]:
    """Pad numbers on the right so that their decimal points align when set flush right.

    Examples
    --------
    >>> on_the_point(["1.25", "10", "3.5"])
    ['1.25', '10   ', '3.5 ']
    """
    tails = [text.partition(".")[2] if _is_number(text) else "" for text in texts]
    longest = max(map(len, tails), default=0)
    if not longest:
        return list(texts)
    padded: list[str] = []
    for text, tail in zip(texts, tails, strict=True):
        if not _is_number(text):
            padded.append(text)
        elif tail:
            padded.append(text + blank * (longest - len(tail)))
        else:
            padded.append(text + point + blank * longest)
    return padded


def _is_number(text: str) -> bool:
    return bool(text) and text.lstrip("-").replace(".", "", 1).isdecimal()


def one_line(name: object) -> str:
    r"""A name without line breaks or control characters, as it may stand in a table.

    Examples
    --------
    >>> one_line("waiting\n(minutes)")
    'waiting (minutes)'
    """
    text = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in str(name))
    return " ".join(text.split()) or "(no name)"


def shorten(name: object, width: int) -> str:
    """A name cut in its middle, so that its beginning and its end can still be told.

    Examples
    --------
    >>> shorten("systolic_blood_pressure_at_visit_2", 20)
    'systolic_…_at_visit_2'
    """
    text = one_line(name)
    if len(text) <= width + 1:
        return text
    ahead = width // 2 - 1
    return f"{text[:ahead]}…{text[ahead - width :]}"


def true_minus(text: str) -> str:
    """A number with a minus sign rather than a hyphen.

    Examples
    --------
    >>> true_minus("-1.5")
    '−1.5'
    """
    return MINUS + text[1:] if text.startswith("-") else text


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names as a list in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def counted(n: int, noun: str) -> str:
    """A number and its noun, such as "1 column" or "2 columns"."""
    return f"{whole(n)} {noun}" + ("" if n == 1 else "s")


def status_word(status: Status) -> str:
    """A status in a word or two, as it stands in a table."""
    return {
        Status.CONVERGED: "converged",
        Status.MAX_ITER: "at max_iter",
        Status.DECREASED: "objective fell",
        Status.DEGENERATE: "collapsed",
        Status.INTERRUPTED: "interrupted",
    }.get(status, status.name.lower().replace("_", " "))


def group(k: int) -> str:
    """The name of component k, such as "group 0"."""
    return f"group {k + FIRST_GROUP}"


def state(k: int) -> str:
    """The name of state k, such as "state 0"."""
    return f"state {k}"
