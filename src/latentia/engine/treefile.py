"""Trees of arrays in a file that runs no code: safetensors, with JSON under a SHA-256.

Trees are written leaf by leaf and put together again after one of the same structure.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from . import tree
from .tree import Tree

FORMAT = 2

KEY = "latentia checkpoint"


class CheckpointError(ValueError):
    """A file that is no checkpoint of this fit, and why, in one sentence."""


def flattened(value: Tree) -> tuple[list[np.ndarray[Any, Any]], list[Any]]:
    """The leaves of a tree as arrays in C order, and for each what it was."""
    arrays: list[np.ndarray[Any, Any]] = []
    kinds: list[Any] = []
    for leaf in tree.leaves(value):
        array = np.asarray(0 if leaf is None else leaf)
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(
                f"got a parameter or state of type {array.dtype}, expected numbers of up to 64 "
                "bits; a checkpoint cannot hold it, so leave checkpoint=None"
            )
        kind: Any = "array"
        if not isinstance(leaf, np.ndarray):
            kind = "scalar" if isinstance(leaf, np.generic) else type(leaf).__name__
        elif array.ndim > 1 and not array.flags.c_contiguous:
            # BLAS rounds by the layout, so the order of axes in memory is kept as well
            kind = [
                int(axis) for axis in np.argsort([-abs(s) for s in array.strides], kind="stable")
            ]
            array = array.transpose(kind)
        arrays.append(np.array(array, dtype=array.dtype.newbyteorder("<"), order="C"))
        kinds.append(kind)
    return arrays, kinds


def put_together(like: Tree, arrays: list[np.ndarray[Any, Any]], kinds: list[Any]) -> Tree:
    """A tree of the structure of `like`; the inverse of `_leaves`."""
    if len(arrays) != len(tree.leaves(like)):
        raise ValueError("the file holds another number of leaves")
    made: list[Any] = []
    for array, kind in zip(arrays, kinds, strict=True):
        if kind == "NoneType":
            made.append(None)
        elif kind in ("int", "float", "bool"):
            made.append(array.item())
        elif kind == "scalar":
            made.append(array[()])
        elif kind == "array":
            made.append(array)
        else:
            made.append(array.transpose(np.argsort(kind)))
    return tree.rebuild(like, made)


def write(path: str, header: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Write a checkpoint whole, or leave what was there."""
    from safetensors.numpy import save

    told = {"format": FORMAT, **header}
    told["sha256"] = _checksum(told, arrays)
    payload = save(arrays, {KEY: json.dumps(told, sort_keys=True)})
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}.part")
    try:
        with open(temporary, "xb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise type(error)(
            f"cannot write {path}: {error.strerror or error}; make the folder, or give another path"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Read a checkpoint and make sure that not a byte of it has changed.

    Raises
    ------
    CheckpointError
        If it is damaged, cut short, or something else.
    """
    from safetensors.numpy import load, save

    try:
        payload = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror or error}; give the path of a file"
        ) from error
    try:
        length = int.from_bytes(payload[:8], "little")
        metadata = json.loads(payload[8 : 8 + length])["__metadata__"]
        arrays = {name: np.array(array) for name, array in load(payload).items()}
        told = json.loads(metadata[KEY])
        whole = told.pop("sha256") == _checksum(told, arrays)
        again = {**told, "sha256": _checksum(told, arrays)}
        whole = whole and save(arrays, {KEY: json.dumps(again, sort_keys=True)}) == payload
    except Exception as error:  # a damaged file can fail in any way inside the parsers
        raise damaged(path) from error
    if not whole:
        raise damaged(path)
    if told["format"] != FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint in format {told['format']}, expected {FORMAT}; go on with "
            "the version of latentia that wrote it, or give another path"
        )
    return told, arrays


def _checksum(told: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    shapes = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([told, shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def damaged(path: str) -> CheckpointError:
    """What is said of a file that is not as it was written."""
    return CheckpointError(
        f"{path} is damaged, cut short or no checkpoint: its content does not match its checksum; "
        "give another path, or delete it to begin anew"
    )
