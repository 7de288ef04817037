"""Writing files so that nothing that was on disk is lost."""

import io
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from latentia.extras import require


def write_atomically(path: str | os.PathLike[str], payload: bytes | str) -> None:
    """Write a whole file, or leave what was there.

    The payload goes to a temporary file in the same folder, is flushed to disk and renamed. A
    reader sees the old file or the new one, never a part. The permissions are those of the file
    replaced, or the user's usual ones for a new file. A symbolic link is followed.

    Parameters
    ----------
    path : path-like
        The file to write. Its folder must exist.
    payload : bytes or str
        The content. Text is written as UTF-8, its line ends unchanged.

    Raises
    ------
    OSError
        The file cannot be written. What was there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "report.html")
    ...     write_atomically(path, "<p>fitted</p>")
    ...     path.read_text()
    '<p>fitted</p>'
    """
    content = payload.encode() if isinstance(payload, str) else payload
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; give the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: there is no folder {target.parent}; create it first"
        )
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.part")
    try:
        try:
            _write_through(temporary, content)
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise type(error)(f"cannot write {path}: {error.strerror or error}") from error


def bytes_of_table(table: Any, suffix: str) -> bytes:
    """A table as the content of a file.

    Parameters
    ----------
    table : pyarrow.Table
    suffix : str
        The ending of the file: ``.parquet``, or ``.arrow`` for Arrow's IPC format.

    Returns
    -------
    bytes
    """
    payload = io.BytesIO()
    if suffix == ".parquet":
        require("pyarrow.parquet", extra="io").write_table(table, payload)
    else:
        with require("pyarrow", extra="io").ipc.new_file(payload, table.schema) as writer:
            writer.write_table(table)
    return payload.getvalue()


def _write_through(path: Path, content: bytes) -> None:
    # Mode 0o666 less the umask, as open() gives a new file; tempfile would give 0o600.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
