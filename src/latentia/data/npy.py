"""Arrays that NumPy saved."""

from pathlib import Path

import numpy as np

from latentia.data.errors import DataError, decoding


def map_npy(path: Path) -> np.ndarray:
    """Map a .npy file of numbers into memory.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    memmap of shape (n, D)
        Its numbers, read only, in the file's own type and order; a vector is one column.

    Raises
    ------
    DataError
        The file is damaged, or holds something else than a matrix or vector of numbers.
    """
    what = "a .npy array of numbers"
    with decoding(path, what), path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        read = "read_array_header_1_0" if version == (1, 0) else "read_array_header_2_0"
        shape, _, dtype = getattr(np.lib.format, read)(stream)
    if dtype.kind not in "iuf":
        raise DataError(
            f"{path} holds an array of dtype {dtype} where numbers are expected; "
            "save one of integers or floats"
        )
    if len(shape) not in (1, 2):
        raise DataError(
            f"{path} holds an array of {len(shape)} dimensions, shape {shape}; "
            "save one with a row an observation and a column a variable"
        )
    if 0 in shape:
        raise DataError(f"{path} holds an array of shape {shape}: not one number; save some")
    with decoding(path, what):
        # Mapping compares the file's size with the shape before any memory is taken.
        mapped = np.lib.format.open_memmap(path, mode="r")
        return mapped.reshape(len(mapped), -1)


def npy_columns(values: np.ndarray) -> list[str]:
    """Return what the columns of an array without names are called: x0, x1, ..."""
    return [f"x{j}" for j in range(values.shape[1])]
