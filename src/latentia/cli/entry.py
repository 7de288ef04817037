"""Where the command ``latentia`` begins."""

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line with the arguments of the process and exit with its status.

    Raises
    ------
    SystemExit
        Always: 0 where the fit converged or the user asked otherwise, 1 where it did not, 2 for
        input that cannot be used, 130 after Ctrl-C.
    """
    _mend_streams()
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError:
        print(
            "latentia's command line needs typer and rich; run pip install 'latentia[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        _end_interrupted()
    try:
        from latentia.cli.app import app

        app(prog_name="latentia")
    except KeyboardInterrupt:  # before any command had begun
        _end_interrupted()


def _end_interrupted() -> None:
    print("latentia: interrupted before anything was written", file=sys.stderr)
    raise SystemExit(130) from None


def _mend_streams() -> None:
    """Let output go nowhere where it was closed, and names through that it cannot encode."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  open until the end
        with suppress(AttributeError):  # something else stands in for it
            getattr(sys, name).reconfigure(errors="backslashreplace")
