"""Which files a path stands for: one file, those of a folder, or those a pattern matches."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from latentia.data.errors import DataError

KINDS = {
    ".csv": "CSV",
    ".tsv": "TSV",
    ".parquet": "Parquet",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".ipc": "Arrow",
    ".npy": "NumPy",
}
"""What the endings of files that can be read stand for."""

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def kind_of(file: Path) -> str:
    """Return the format that a file's ending stands for.

    Parameters
    ----------
    file : Path
        The file, which need not exist.

    Returns
    -------
    str
        One of the values of `KINDS`.

    Raises
    ------
    DataError
        The ending is not known.

    Examples
    --------
    >>> from pathlib import Path
    >>> from latentia.data.listing import kind_of
    >>> kind_of(Path("part-0.PARQUET"))
    'Parquet'
    """
    suffix = file.suffix.lower()
    if suffix in _COMPRESSED:
        raise DataError(f"{file} is compressed; unpack it first, or give the data as Parquet")
    if suffix not in KINDS:
        if file.is_dir():
            raise DataError(f"{file} is a folder; give one file of it")
        raise DataError(
            f"{file} has {f'the unknown ending {suffix}' if suffix else 'no ending'}; "
            f"give a file ending in one of {', '.join(KINDS)}"
        )
    return KINDS[suffix]


def is_several(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder, or a pattern where there is no file of that name.

    Parameters
    ----------
    path : path-like
        A file, a folder or a pattern.

    Returns
    -------
    bool
        Whether it can stand for several files.
    """
    text = os.fspath(path)
    return os.path.isdir(text) or (glob.has_magic(text) and not os.path.exists(text))


def data_files(path: str | os.PathLike[str]) -> list[Path]:
    """List the files that a path stands for, sorted by name.

    Parameters
    ----------
    path : path-like
        A file; a folder, whose files are taken but for those whose name begins with a dot or an
        underscore; or a pattern with ``*``, ``?``, ``[...]``, and ``**`` for any folders.

    Returns
    -------
    list of Path
        At least one file, all of one kind.

    Raises
    ------
    DataError
        There is no such file, or the files are of several kinds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from latentia.data.listing import data_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.csv", "a.csv", "_SUCCESS"):
    ...         Path(folder, name).touch()
    ...     [file.name for file in data_files(folder)], len(data_files(folder + "/b*"))
    (['a.csv', 'b.csv'], 1)
    """
    text = os.fspath(path)
    if not is_several(text):
        return [Path(text)]
    if os.path.isdir(text):
        inside = [file for file in Path(text).iterdir() if file.name[0] not in "._"]
        files, advice = [file for file in inside if file.is_file()], f"{text}/*.parquet"
        if not files:
            deeper = f", only folders; give a pattern such as {text}/**/*.parquet" if inside else ""
            raise DataError(f"{text} is a folder without data files{deeper or '; give another'}")
    else:
        files = [Path(name) for name in glob.glob(text, recursive=True) if os.path.isfile(name)]
        advice = "one that ends in .parquet"
        if not files:
            raise DataError(f"no file matches {text}; check the pattern")
    files.sort()
    subject = f"{text} is a folder that holds" if os.path.isdir(text) else f"{text} matches"
    _require_one_kind(files, subject, advice)
    return files


def _require_one_kind(files: Sequence[Path], subject: str, advice: str) -> None:
    first = KINDS.get(files[0].suffix.lower())
    for file in files:
        kind = KINDS.get(file.suffix.lower())
        if kind is None:
            what = f"{file.name!r}, whose ending is none of {', '.join(KINDS)}"
        elif kind != first:
            what = f"{files[0].name!r} and {file.name!r}, which are of two kinds"
        else:
            continue
        raise DataError(f"{subject} {what}; choose the files with a pattern such as {advice}")


def require_file(path: Path) -> None:
    """Refuse a file that is not there, is empty or cannot be opened.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; give the file in it that holds the data")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise DataError(f"{path} is empty; give a file with data in it")
    except FileNotFoundError:
        raise DataError(f"there is no file {path}; check the name") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check it") from error
