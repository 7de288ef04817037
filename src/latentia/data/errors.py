"""What is wrong with the data, said in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


class DataError(ValueError):
    """Data that cannot be used: the message says what was given, what was expected, what to do."""


@contextmanager
def decoding(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Turn whatever a decoder says of damaged bytes into one sentence.

    Parameters
    ----------
    path : path-like
        The file.
    what : str
        What it was taken for, with its article.

    Raises
    ------
    DataError
        Something was raised inside that is not one already.

    Examples
    --------
    >>> from latentia.data.errors import decoding
    >>> with decoding("x.csv", "a text"):
    ...     bytes([255]).decode("ascii")
    Traceback (most recent call last):
    latentia.data.errors.DataError: x.csv is not a text that can be read ('ascii' codec can't decode
    byte 0xff in position 0: ordinal not in range(128)); it may be damaged, cut short or of another
    format
    """
    try:
        yield
    except (DataError, ImportError):
        raise
    except Exception as error:  # decoders raise many kinds, for a corrupt size even MemoryError
        reason = str(error).partition("\n")[0].strip(" .")[:200] or type(error).__name__
        raise DataError(
            f"{path} is not {what} that can be read ({reason}); "
            "it may be damaged, cut short or of another format"
        ) from error
