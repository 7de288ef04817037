"""Decoded numbers on disk: a .npy file that is mapped, removed after use, or kept and checked."""

import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, final

import numpy as np

from latentia.data.errors import DataError

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None

MARGIN = 64 * 2**20
"""Bytes of the disk that a cache leaves free."""

_HEADER = 4096  # a page, so that rows begin at one
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_MARK = b"latentia"
_PREFIX, _PART = ".latentia-", ".part"


def cache_folder(cache: str | os.PathLike[str] | None, beside: Path | None) -> Path:
    """Return the folder in which a cache is to lie.

    Parameters
    ----------
    cache : None, "beside" or path-like
        None stands for a folder of this user in the temporary folder.
    beside : Path or None
        The data, if they are files.

    Returns
    -------
    Path
        An existing folder.

    Raises
    ------
    DataError
        There is no such folder, or it is not this user's.
    """
    if cache is None:
        return _own_folder()
    if cache == "beside":
        if beside is None:
            raise DataError('got cache="beside" for data that are no file; give cache=a folder')
        return beside.absolute().parent
    folder = Path(cache)
    if not folder.is_dir():
        raise DataError(f"got cache={str(folder)!r}, which is no folder; create it first")
    return folder


def _own_folder() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir(), f"latentia-{user}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    # Others may write to the temporary folder, and could have put files of theirs in our place.
    foreign = user != "user" and (found.st_uid != user or found.st_mode & 0o022)
    if foreign or not stat.S_ISDIR(found.st_mode):
        raise DataError(f"{folder} is not a folder of yours alone; give cache=another folder")
    return folder


def kept_name(request: Mapping[str, Any]) -> str:
    """Return the name of a kept cache, which tells what was asked for but not its state."""
    asked = [[name for name, *_ in request["files"]], request["columns"], request["allow_missing"]]
    return f"{_PREFIX}{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:20]}.npy"


def open_kept(path: Path, request: Mapping[str, Any]) -> tuple[np.memmap, dict[str, Any]] | None:
    """Open a kept cache if it is whole and of the same request.

    Parameters
    ----------
    path : Path
        The cache.
    request : mapping
        Files with sizes and times, columns, and whether values may be missing.

    Returns
    -------
    (memmap of shape (n, D), dict) or None
        The numbers and what `CacheWriter.keep` was given; None where there is no such cache.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(-16, os.SEEK_END) + 16
            length, mark = int.from_bytes(stream.read(8), "little"), stream.read(8)
            if mark != _MARK or length > size - _HEADER - 16:
                return None
            stream.seek(size - 16 - length)
            record = json.loads(stream.read(length))
        shape, dtype = tuple(record["shape"]), np.dtype(record["dtype"])
        expected = _HEADER + shape[0] * shape[1] * dtype.itemsize + length + 16
        if record["request"] != dict(request) or size != expected:
            return None
        return np.memmap(path, dtype, "r", _HEADER, shape), record
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def clear_stale(folder: Path) -> None:
    """Remove caches that processes left behind which have ended since.

    Parameters
    ----------
    folder : Path
        Where to look. Files that a living process holds locked are left alone.
    """
    for path in folder.glob(f"{_PREFIX}*{_PART}"):
        with suppress(OSError):
            if fcntl is None:
                path.unlink()
                continue
            descriptor = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


@final
class CacheWriter:
    """Rows written one block after the other, of a number that need not be known.

    Parameters
    ----------
    folder : Path
        Where to. Stale caches in it are removed first.
    n_columns : int
    dtype : numpy dtype
        float32 or float64.
    n_rows : int or None
        How many there will be, if that is known.
    source : str
        What error messages call the data.

    Raises
    ------
    DataError
        The disk has not enough room, now or later.
    """

    def __init__(
        self, folder: Path, n_columns: int, dtype: np.dtype, n_rows: int | None, source: str
    ) -> None:
        self._folder, self._n_columns, self._dtype, self._source = folder, n_columns, dtype, source
        self.n_rows, self._written, self._watched = 0, _HEADER, n_rows is None
        clear_stale(folder)
        if n_rows is not None:
            self._require_room(_HEADER + n_rows * n_columns * dtype.itemsize, "needs")
        self.path, self._descriptor = _locked_file(folder)

    def write(self, block: np.ndarray) -> None:
        """Append rows, shape (m, D), in C order and of the cache's type."""
        if self._watched:
            self._require_room(self._written + block.nbytes, "needs more than", self._written)
        try:
            _put(self._descriptor, memoryview(block).cast("B"), self._written)  # pyright: ignore[reportArgumentType]
        except OSError as error:
            if error.errno in _FULL:
                raise self._no_room(self._written + block.nbytes, "needs more than") from None
            raise
        self._written += block.nbytes
        self.n_rows += len(block)

    def map(self) -> np.memmap:
        """Map the rows; the file goes with the last array that looks at it."""
        self._write_header()
        values = np.memmap(self.path, self._dtype, "r", _HEADER, (self.n_rows, self._n_columns))
        # The mapping, not the array: slices of the array keep the one and not the other.
        weakref.finalize(values._mmap, _remove, self.path, self._descriptor, os.getpid())  # pyright: ignore[reportAttributeAccessIssue]
        return values

    def keep(self, name: str, record: Mapping[str, Any]) -> np.memmap:
        """Give the finished file its name; `record` is what `open_kept` gives back."""
        self._write_header()
        shape = (self.n_rows, self._n_columns)
        text = json.dumps({**record, "shape": shape, "dtype": self._dtype.name}).encode()
        end = text + len(text).to_bytes(8, "little") + _MARK
        _put(self._descriptor, memoryview(end), self._written)
        os.fsync(self._descriptor)  # a name that outlives a crash must not stand for zeros
        os.replace(self.path, target := self._folder / name)
        os.close(self._descriptor)
        self.path, self._descriptor = target, -1
        return np.memmap(target, self._dtype, "r", _HEADER, shape)

    def abandon(self) -> None:
        """Remove what has been written."""
        _remove(self.path, self._descriptor, os.getpid())

    def _write_header(self) -> None:
        shape = (self.n_rows, self._n_columns)
        words = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        text = repr(words).encode().ljust(_HEADER - 11) + b"\n"
        start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
        _put(self._descriptor, memoryview(start + text), 0)

    def _require_room(self, size: int, needs: str, have: int = 0) -> None:
        if shutil.disk_usage(self._folder).free < size - have + MARGIN:
            raise self._no_room(size, needs)

    def _no_room(self, size: int, needs: str) -> DataError:
        free = shutil.disk_usage(self._folder).free
        single = "" if self._dtype == np.float32 else ", or store the data in single precision"
        return DataError(
            f"the decoded numbers of {self._source} {needs} {size:,} bytes in {self._folder}, "
            f"where {free:,} are free and {MARGIN:,} of them stay so; give cache=a folder on a "
            f"larger disk, name fewer columns{single}"
        )


def _put(descriptor: int, content: memoryview, at: int) -> None:
    os.lseek(descriptor, at, os.SEEK_SET)
    while len(content):
        content = content[os.write(descriptor, content) :]


def _locked_file(folder: Path) -> tuple[Path, int]:
    while True:
        path = folder / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{_PART}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise DataError(
                f"no cache can be written to {folder}: {error.strerror}; give cache=another folder"
            ) from error
        if fcntl is None:
            return path, descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # taken for stale between its making and its locking
            os.close(descriptor)
            continue
        except OSError:  # a file system without locks, where nothing is ever taken for stale
            return path, descriptor
        if path.exists():
            return path, descriptor
        os.close(descriptor)


def _remove(path: Path, descriptor: int, pid: int) -> None:
    if os.getpid() != pid:  # a forked child, whose parent still looks at the file
        return
    if descriptor >= 0:
        with suppress(OSError):
            os.close(descriptor)
    with suppress(OSError):
        path.unlink()
