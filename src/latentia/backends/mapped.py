"""A model and its data for other processes: small when sent, large arrays by where a file has them.

An array that is mapped from a file goes by the name of that file, an array in memory is written to
one first. What travels is a description of a few kilobytes, whatever the size of the data, and
whoever loses the data reads them again.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import shutil
import tempfile
import uuid
import weakref
import zlib
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, cast, final

import cloudpickle
import numpy as np
from numpy.typing import NDArray

SMALL = 65_536
"""Bytes of an array that is sent as it is, at most."""

_ENDS = 4096
_ALIGNED = 64


@final
class UnreadableError(OSError):
    """A file that this process cannot read, or that is another one here."""


class Stretch(NamedTuple):
    """An array as it lies in a file.

    Attributes
    ----------
    path : str
    begin, end : int
        The bytes from the first to the last of its entries.
    ends : int
        Checksum of the first and last few kilobytes of these.
    dtype : numpy.dtype
    shape, strides : tuple of int
    at : int
        Where in these bytes the entry of index zero is.
    """

    path: str
    begin: int
    end: int
    ends: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    at: int


@final
class Depot:
    """Where arrays in memory are written, once each: one file, removed when closed.

    Parameters
    ----------
    folder : path-like, optional
        On a disk that all processes read; by default the temporary folder of this machine.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = None if folder is None else os.path.abspath(folder)
        self._own: str | None = None
        self._written: dict[tuple[Any, ...], tuple[Stretch, NDArray[Any]]] = {}

    def put(self, array: NDArray[Any]) -> Stretch:
        """Write an array, unless it has been written already."""
        place = array.__array_interface__["data"][0]
        known = (place, array.shape, array.strides, array.dtype.str)
        if known in self._written:
            return self._written[known][0]
        parent = self.folder or tempfile.gettempdir()
        free = shutil.disk_usage(parent).free
        if free < array.nbytes:
            raise OSError(
                f"got {array.nbytes / 2**30:.3g} GiB of data in memory for other processes to read "
                f"and {free / 2**30:.3g} GiB free in {parent}; give Dask a folder= with more room, "
                "or data that are mapped from a file"
            )
        # in the order of its memory, so that what is made of it has the same bits
        whole = array if array.flags.c_contiguous or array.flags.f_contiguous else array.copy("K")
        flat: NDArray[np.uint8] = whole.ravel(order="K").view(np.uint8)
        if self._own is None:
            self._own = self._made()
        path = os.path.join(self._own, "arrays")
        with open(path, "ab") as file:
            file.write(bytes(-file.tell() % _ALIGNED))
            begin = file.tell()
            file.write(flat.data)
        made = Stretch(
            path,
            begin,
            begin + len(flat),
            _checksum(flat),
            whole.dtype,
            whole.shape,
            whole.strides,
            0,
        )
        self._written[known] = made, array  # kept, so that nothing else comes to lie there
        return made

    def _made(self) -> str:
        """A folder of our own, private in the temporary folder, and elsewhere as usual there."""
        if self.folder is None:
            return tempfile.mkdtemp(prefix="latentia-")
        path = os.path.join(self.folder, f"latentia-{uuid.uuid4().hex}")
        os.mkdir(path)
        return path

    def close(self) -> None:
        """Remove what was written."""
        self._written.clear()
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
            self._own = None


def packed(value: Any, depot: Depot) -> bytes:
    """The value as bytes for another process, without the numbers of its large arrays."""
    file = io.BytesIO()
    _Pickler(file, depot).dump(value)
    return file.getvalue()


@final
class _Pickler(cloudpickle.Pickler):
    def __init__(self, file: io.BytesIO, depot: Depot) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.depot = depot

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) not in (np.ndarray, np.memmap) or obj.dtype.hasobject:
            return _without(obj, _cached(type(obj))) or super().reducer_override(obj)
        repeated = [
            size > 1 and stride == 0 for size, stride in zip(obj.shape, obj.strides, strict=True)
        ]
        if any(repeated):  # equal weights are one number
            once = obj[tuple(slice(0, 1) if same else slice(None) for same in repeated)]
            return np.broadcast_to, (np.asarray(once), obj.shape)
        if obj.nbytes <= SMALL:
            return super().reducer_override(obj)
        return opened, (in_a_file(obj) or self.depot.put(np.asarray(obj)),)


@lru_cache(maxsize=1024)
def _cached(kind: type) -> frozenset[str]:
    """The cached properties of a class."""
    return frozenset(
        name
        for base in kind.__mro__
        for name, each in vars(base).items()
        if isinstance(each, cached_property)
    )


def _without(obj: Any, names: frozenset[str]) -> Any:
    """How to pickle an object but for what it can compute again; None where that is as usual."""
    held = getattr(obj, "__dict__", {})
    if isinstance(obj, type) or not any(name in held for name in names):
        return None
    made = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    if len(made) < 3 or not isinstance(made[2], dict):
        return None
    state = {name: each for name, each in made[2].items() if name not in names}
    return (*made[:2], state, *made[3:])


def in_a_file(array: NDArray[Any]) -> Stretch | None:
    """Where an array is mapped from; None where it is in memory, or may be changed there only."""
    root: Any = array
    while isinstance(root, np.ndarray) and not (
        isinstance(root, np.memmap) and not isinstance(root.base, np.ndarray)
    ):
        root = root.base
    if not isinstance(root, np.memmap) or root.filename is None or root.mode == "c":
        return None
    if root.mode != "r":
        root.flush()
    reach = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
    before = sum(-step for step in reach if step < 0)
    after = sum(step for step in reach if step > 0) + array.itemsize
    here, there = (a.__array_interface__["data"][0] for a in (array, root))
    begin, end = here - there + root.offset - before, here - there + root.offset + after
    skipped = root.offset - root.offset % mmap.ALLOCATIONGRANULARITY
    part = np.frombuffer(cast(mmap.mmap, root.base), np.uint8)[begin - skipped : end - skipped]
    path = os.path.abspath(root.filename)
    kept = (array.dtype, array.shape, array.strides)
    return Stretch(path, begin, end, _checksum(part), *kept, before)


def opened(where: Stretch) -> NDArray[Any]:
    """The array, mapped from its file and read when looked at.

    Raises
    ------
    UnreadableError
        If this process cannot read the file, or finds other bytes in it.
    """
    try:
        held = _bytes_of(where.path)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{where.path}, which it cannot read ({error})") from None
    part = held[where.begin : where.end]
    if len(part) < where.end - where.begin or _checksum(part) != where.ends:
        raise UnreadableError(f"{where.path}, where it finds another file of that name")
    return np.ndarray(where.shape, where.dtype, part, where.at, where.strides)


_maps: weakref.WeakValueDictionary[tuple[Any, ...], NDArray[np.uint8]] = (
    weakref.WeakValueDictionary()
)


def _bytes_of(path: str) -> NDArray[np.uint8]:
    """A file's bytes, mapped once for all arrays in it as long as there are any."""
    told = os.stat(path)
    key = (path, told.st_ino, told.st_size, told.st_mtime_ns)
    held = _maps.get(key)
    if held is None:
        held = np.memmap(path, np.uint8, "r")
        _maps[key] = held
    return held


def _checksum(part: NDArray[np.uint8]) -> int:
    return zlib.crc32(part[-_ENDS:].tobytes(), zlib.crc32(part[:_ENDS].tobytes()))
