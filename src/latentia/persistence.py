"""Model files: safetensors with a JSON header under a SHA-256.

Loading parses numbers and JSON; it never runs code. The checksum covers the header and the name,
type, shape and bytes of every array: a file in which anything that matters has changed is refused.
"""

import hashlib
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentia import __version__
from latentia.data.files import write_atomically

FORMAT = "latentia"
FORMAT_VERSION = 1

_ESTIMATORS = {
    "BayesianGaussianMixture": "latentia.mixture:BayesianGaussianMixture",
    "EMImputer": "latentia.missing:EMImputer",
    "FactorAnalysis": "latentia.factor:FactorAnalysis",
    "GaussianMixture": "latentia.mixture:GaussianMixture",
    "CategoricalHMM": "latentia.hmm:CategoricalHMM",
    "GMMHMM": "latentia.hmm:GMMHMM",
    "GaussianHMM": "latentia.hmm:GaussianHMM",
    "HiddenMarkov": "latentia.hmm:HiddenMarkov",
    "HiddenMarkovMixture": "latentia.hmm:HiddenMarkovMixture",
    "HiddenSemiMarkov": "latentia.hmm:HiddenSemiMarkov",
    "MultinomialHMM": "latentia.hmm:MultinomialHMM",
    "PoissonHMM": "latentia.hmm:PoissonHMM",
    "IncompleteNormal": "latentia.missing:IncompleteNormal",
    "CensoredRegression": "latentia.survival:CensoredRegression",
    "GeneralLocation": "latentia.contingency:GeneralLocation",
    "LogLinear": "latentia.contingency:LogLinear",
    "MixedImputer": "latentia.contingency:MixedImputer",
    "ProbabilisticPCA": "latentia.factor:ProbabilisticPCA",
    "SelfConsistent": "latentia.survival:SelfConsistent",
    "LatentClass": "latentia.latent_class:LatentClass",
    "MarkovAutoregression": "latentia.switching:MarkovAutoregression",
    "MarkovRegression": "latentia.switching:MarkovRegression",
    "Mixture": "latentia.mixture:Mixture",
    "MixtureRegression": "latentia.regression:MixtureRegression",
    "MixtureDiscriminant": "latentia.discriminant:MixtureDiscriminant",
}

# Beyond this length safetensors refuses a header, so the first eight bytes are not a length.
_LONGEST_HEADER = 100_000_000


class ModelFileError(ValueError):
    """A file that is not the model file that was expected, and why, in one sentence."""


class Record(NamedTuple):
    """What a model file holds.

    Attributes
    ----------
    kind : str
        What was saved: the name of an estimator's class.
    header : dict
        Whatever JSON can carry: settings, names, labels. Tuples come back as lists.
    arrays : dict of str to ndarray
        Booleans, integers and floats of any shape, 0-d included.
    """

    kind: str
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def write_record(path: str | os.PathLike[str], record: Record) -> None:
    """Write a record to a model file, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file to write; one that exists is replaced once the new one is complete.
    record : Record
        What to write.

    Raises
    ------
    TypeError, ValueError
        The header is not JSON, or an array is not of numbers or booleans.
    OSError
        The file cannot be written.

    See Also
    --------
    read_record : The way back.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from latentia.persistence import Record, read_record, write_record
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.safetensors")
    ...     write_record(path, Record("Example", {"names": ["x"]}, {"means": np.array([1.5])}))
    ...     read_record(path, kind="Example")
    Record(kind='Example', header={'names': ['x']}, arrays={'means': array([1.5])})
    """
    from safetensors.numpy import save

    arrays = {name: _storable(name, array) for name, array in record.arrays.items()}
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "latentia_version": __version__,
        "kind": record.kind,
        "header": json.dumps(record.header, allow_nan=False),
    }
    metadata["sha256"] = _checksum(metadata, arrays)
    write_atomically(path, save(arrays, metadata))


def read_record(path: str | os.PathLike[str], kind: str | None = None) -> Record:
    """Read a model file and check that nothing in it has changed.

    Parameters
    ----------
    path : path-like
        A file that `write_record` wrote.
    kind : str, optional
        The kind that is expected; any if not given.

    Returns
    -------
    Record
        What was written; the arrays are writable copies.

    Raises
    ------
    ModelFileError
        There is no such file, it is cut short or damaged, something else altogether, of another
        kind, or written by a later version of latentia.

    Examples
    --------
    >>> from latentia.persistence import read_record
    >>> read_record("nowhere.safetensors")
    Traceback (most recent call last):
    latentia.persistence.ModelFileError: there is no file nowhere.safetensors; check the name
    """
    payload = _read_bytes(path)
    metadata = _metadata(path, payload)
    _check_version(path, metadata)
    try:
        from safetensors.numpy import load as load_arrays

        arrays = {name: np.array(array) for name, array in load_arrays(payload).items()}
        intact = all(length <= len(payload) for a in arrays.values() for length in a.shape)
        header = json.loads(metadata["header"])
        intact &= metadata["sha256"] == _checksum(metadata, arrays)
    except Exception as error:  # a damaged file can fail in any way inside the parsers
        raise _damaged(path) from error
    if not (intact and isinstance(header, dict)):
        raise _damaged(path)
    if kind is not None and metadata["kind"] != kind:
        raise ModelFileError(
            f"{path} holds a {metadata['kind']} where a {kind} is expected; "
            "give another file, or use latentia.load, which takes every kind"
        )
    return Record(metadata["kind"], header, arrays)


def save_estimator(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator as a model file.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of latentia: it says with ``_to_record()`` what to keep.
    path : path-like
        The file to write.

    Raises
    ------
    OSError
        The file cannot be written.

    See Also
    --------
    load : The way back.
    """
    write_record(path, estimator._to_record())


def load(path: str | os.PathLike[str]) -> Any:
    """Load a fitted estimator from a model file, without running any code from it.

    Parameters
    ----------
    path : path-like
        A file that an estimator's ``save`` wrote.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, not a model file, of a kind unknown to this version, or
        not what an estimator of its kind writes.

    Examples
    --------
    >>> import latentia
    >>> latentia.load("nowhere.safetensors")
    Traceback (most recent call last):
    latentia.persistence.ModelFileError: there is no file nowhere.safetensors; check the name
    """
    record = read_record(path)
    if record.kind not in _ESTIMATORS:
        raise ModelFileError(
            f"{path} holds a {record.kind!r}, which latentia {__version__} does not know "
            f"(it knows {', '.join(_ESTIMATORS)}); a later version may"
        )
    module, _, name = _ESTIMATORS[record.kind].partition(":")
    estimator = getattr(import_module(module), name)
    try:
        return estimator._from_record(record)
    except ModelFileError:
        raise
    except Exception as error:  # who made the checksum may have made anything
        raise _unfit(path, record.kind, error) from error


def _storable(name: str, array: Any) -> np.ndarray:
    """Return the array in C order and little-endian, as it lies in the file."""
    array = np.asarray(array)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(
            f"the array {name!r} is of dtype {array.dtype}; "
            "a model file holds booleans, integers and floats of up to 64 bits"
        )
    return np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _checksum(metadata: dict[str, str], arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of everything in the file but the checksum itself and the layout."""
    signed = {key: value for key, value in metadata.items() if key != "sha256"}
    shapes = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
    digest = hashlib.sha256(json.dumps([signed, shapes], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _read_bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}; check the name") from None
    except IsADirectoryError:
        raise ModelFileError(f"{path} is a folder; give the model file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path} cannot be read: {reason}") from error


def _metadata(path: str | os.PathLike[str], payload: bytes) -> dict[str, str]:
    """The strings that safetensors keeps beside the arrays, if they are latentia's."""
    length = int.from_bytes(payload[:8], "little")
    if len(payload) < 9 or payload[8:9] != b"{" or length > _LONGEST_HEADER:
        raise _something_else(path, payload)
    if 8 + length > len(payload):
        raise _cut_short(path, 8 + length, len(payload))
    try:
        header = json.loads(payload[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        missing = 8 + length + end - len(payload)
    except Exception as error:  # not JSON, or JSON of another shape
        raise _something_else(path, payload) from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise _something_else(path, payload)
    if missing > 0:
        raise _cut_short(path, len(payload) + missing, len(payload))
    return metadata


def _check_version(path: str | os.PathLike[str], metadata: dict[str, str]) -> None:
    try:
        version = int(metadata["format_version"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} is in format {version}, written by latentia "
            f"{metadata.get('latentia_version', 'of a later date')}, and latentia {__version__} "
            f"reads up to format {FORMAT_VERSION}; update latentia"
        )


def _unfit(path: str | os.PathLike[str], kind: str, error: Exception) -> ModelFileError:
    """What is said of a file that is whole, but that no estimator wrote."""
    reason = " ".join(str(error).split()) or "no reason is known"
    return ModelFileError(
        f"{path} is whole but makes no {kind} ({type(error).__name__}: {reason}); save it again"
    )


def _something_else(path: str | os.PathLike[str], payload: bytes) -> ModelFileError:
    what = "is empty" if not payload else "is not a latentia model file"
    return ModelFileError(f"{path} {what}; give a file that an estimator's save() wrote")


def _cut_short(path: str | os.PathLike[str], expected: int, present: int) -> ModelFileError:
    return ModelFileError(
        f"{path} is cut short: {present} of its {expected} bytes are there; copy or save it again"
    )


def _damaged(path: str | os.PathLike[str]) -> ModelFileError:
    return ModelFileError(
        f"{path} is damaged: its content does not match its checksum; copy or save it again"
    )
