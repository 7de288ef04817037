"""Reading the data sets that come with latentia."""

import csv
import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from latentia.data.errors import DataError

_FOLDER = files("latentia.datasets")


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """A data set and where it comes from.

    Attributes
    ----------
    name : str
        What `load` knows it by.
    values : ndarray of shape (n, D), float64
        The measurements; nan where one is missing.
    columns : tuple of str
        The names of the D columns.
    labels : ndarray of shape (n,) of str, or None
        The class of each row, where it is known.
    title : str
        What it is, in a few words.
    description : str
        What was measured, on what.
    units : tuple of str
        The unit of each column.
    origin : str
        Who published it, and from where this copy was taken.
    licence : str
        The licence of the package this copy was taken from.
    """

    name: str
    values: np.ndarray
    columns: tuple[str, ...]
    labels: np.ndarray | None
    title: str
    description: str
    units: tuple[str, ...]
    origin: str
    licence: str

    def __repr__(self) -> str:
        n, d = self.values.shape
        return f"<Dataset {self.name}: {n} rows, {d} column{'s' * (d > 1)} ({self.title})>"


def names() -> tuple[str, ...]:
    """Return the names of the data sets, in alphabetical order.

    Returns
    -------
    tuple of str
        What `load` takes.

    Examples
    --------
    >>> from latentia import datasets
    >>> "faithful" in datasets.names()
    True
    """
    return tuple(sorted(_sources()))


def load(name: str) -> Dataset:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    Dataset
        The values, labels where there are any, and the provenance. The arrays are fresh copies.

    Raises
    ------
    DataError
        There is no data set of that name.

    Examples
    --------
    >>> from latentia import datasets
    >>> iris = datasets.load("iris")
    >>> iris.columns
    ('sepal_length', 'sepal_width', 'petal_length', 'petal_width')
    >>> iris.values[0], str(iris.labels[0])
    (array([5.1, 3.5, 1.4, 0.2]), 'setosa')
    """
    if name not in names():
        near = difflib.get_close_matches(str(name), names(), 1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names())}"
        raise DataError(f"there is no data set {name!r}; {advice}")
    source = _sources()[name]
    text = _FOLDER.joinpath(f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    columns, label = tuple(source["units"]), source.get("labels")
    return Dataset(
        name=name,
        values=np.array([[_number(row[column]) for column in columns] for row in rows]),
        columns=columns,
        labels=None if label is None else np.array([row[label] for row in rows]),
        title=source["title"],
        description=source["description"],
        units=tuple(source["units"].values()),
        origin=source["origin"],
        licence=source["licence"],
    )


def _number(cell: str) -> float:
    return float("nan") if cell == "NA" else float(cell)


@cache
def _sources() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_FOLDER.joinpath("sources.toml").read_text(encoding="utf-8"))
