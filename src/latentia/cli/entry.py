"""Where the command ``latentia`` begins."""

import sys


def main() -> None:
    """Run the command line with the arguments of the process and exit with its status.

    Raises
    ------
    SystemExit
        Always: 0 where the fit converged or the user asked otherwise, 1 where it did not, 2 for
        input that cannot be used, 130 after Ctrl-C.
    """
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError:
        print(
            "latentia's command line needs typer and rich; run pip install 'latentia[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    try:
        from latentia.cli.app import app

        app(prog_name="latentia")
    except KeyboardInterrupt:  # before any command had begun
        print("latentia: interrupted before anything was written", file=sys.stderr)
        raise SystemExit(130) from None
