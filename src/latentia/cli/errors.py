"""How a command ends: an exit status, and one sentence where something went wrong."""

import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, final

UNCONVERGED, REFUSED, INTERRUPTED = 1, 2, 130


@final
class Refusal(Exception):  # not a ValueError, which typer would take for its own
    """Something that the user gave cannot be used; the message is one sentence."""


@final
class NoResult(Exception):
    """A fit that ended without a result that can be used; the message is one sentence."""


@final
class Interrupted(Exception):
    """Ctrl-C before there was anything to keep."""


def explained(error: Exception) -> tuple[str, int]:
    """Say in one sentence what went wrong, and with which status to exit.

    Parameters
    ----------
    error : Exception
        Whatever a command raised.

    Returns
    -------
    sentence : str
        One line without a full stop at its end.
    status : int
        The exit status.

    Examples
    --------
    >>> from latentia.cli.errors import explained
    >>> explained(FileNotFoundError(2, "No such file or directory", "x.csv"))
    ('x.csv: No such file or directory', 2)
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; use fewer rows or --jobs 1", UNCONVERGED
    extra_missing = isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError)
    if extra_missing or isinstance(error, Refusal) or _refuses_a_file(error):
        return one_line(error), REFUSED
    if isinstance(error, NoResult):
        return one_line(error), UNCONVERGED
    if isinstance(error, Interrupted):
        return "interrupted before anything was written", INTERRUPTED
    if hasattr(error, "format_message"):  # what typer raises where the arguments are wrong
        return _usage(error), REFUSED
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename and error.strerror else ""
        return one_line(f"{named}{error.strerror or error}"), REFUSED
    return (
        one_line(
            f"{type(error).__name__}: {error or 'no more is known'}; this is a fault in latentia "
            "itself, and LATENTIA_TRACEBACK=1 in the environment shows where"
        ),
        UNCONVERGED,
    )


def _refuses_a_file(error: Exception) -> bool:
    """Whether it is latentia's own sentence on a file, without importing what may not be needed."""
    homes = (("latentia.data.errors", "DataError"), ("latentia.persistence", "ModelFileError"))
    known = (getattr(sys.modules.get(module), name, None) for module, name in homes)
    return any(kind is not None and isinstance(error, kind) for kind in known)


def one_line(message: object) -> str:
    r"""Return the message with its line breaks and its last full stop taken out.

    Parameters
    ----------
    message : object
        A text, or anything that has one.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> from latentia.cli.errors import one_line
    >>> one_line("cut\n short.")
    'cut short'
    """
    return " ".join(str(message).split()).rstrip(".")


def say(sentence: str, kind: str = "") -> None:
    """Print one sentence on standard error.

    Parameters
    ----------
    sentence : str
        What to say.
    kind : str, default ""
        What kind of sentence it is, such as "warning".
    """
    with suppress(BrokenPipeError):
        print(f"latentia: {f'{kind}: ' if kind else ''}{sentence}", file=sys.stderr, flush=True)


@contextmanager
def warnings_as_sentences() -> Iterator[None]:
    """Print every different warning once, as one sentence without its line of code."""
    from latentia.engine import NotConvergedWarning

    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
        sentence = one_line(message)
        if sentence not in seen and not issubclass(category, NotConvergedWarning):
            seen.add(sentence)  # that a fit did not converge is said by the exit status' sentence
            say(sentence, "warning")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)  # of arithmetic, with nothing to do about
        warnings.filterwarnings("ignore", "reg_covar=.* is a floor")  # so --help says
        # columns are matched by name before their values are handed on without names
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        warnings.showwarning = show
        yield


def is_broken_pipe(error: BaseException) -> bool:
    """Whether the reader of our output has gone away, as ``head`` does.

    Parameters
    ----------
    error : BaseException
        Whatever was raised.

    Returns
    -------
    bool
        True for a broken pipe.
    """
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def abandon_output() -> None:
    """Let what is still in the buffer of standard output go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _usage(error: Any) -> str:
    message = one_line(error.format_message())
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "latentia"
    return f"{message[:1].lower()}{message[1:]}; see {path} --help"
