"""A group of commands that ends every error as one sentence and an exit status."""

import difflib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, final

from typer.core import TyperGroup

from latentia.cli.errors import (
    Interrupted,
    Refusal,
    abandon_output,
    explained,
    is_broken_pipe,
    say,
)


class Invocation(NamedTuple):
    """What the user typed after ``latentia``."""

    args: tuple[str, ...]

    def command(self) -> str:
        """The command to type to do the same again."""
        import shlex

        return shlex.join(("latentia", *self.args))


@final
class Commands(TyperGroup):
    """The commands of ``latentia``, or the models of ``latentia fit``."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run a command and exit; errors come out as one sentence."""
        typed = tuple(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it talks of its own folders
        try:
            status = super().main(args, *rest, obj=Invocation(typed), **extra)
            sys.stdout.flush()
        except Exception as error:
            if is_broken_pipe(error):
                abandon_output()
                raise SystemExit(1) from None
            if os.environ.get("LATENTIA_TRACEBACK"):
                raise
            sentence, status = explained(error)
            say(sentence)
            raise SystemExit(status) from None
        raise SystemExit(status if isinstance(status, int) else 0)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the arguments; Ctrl-C becomes an error like any other."""
        try:
            return super().make_context(*args, **extra)
        except KeyboardInterrupt:
            raise Interrupted from None

    def invoke(self, ctx: Any) -> Any:
        """Run a command; Ctrl-C becomes an error like any other."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands by name, those that fit first."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "fit")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by name, or say which name was probably meant."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise Refusal(self._unknown(ctx, args))
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, or say which models there are where none is named."""
        if ctx.info_name == "fit" and not args:
            raise Refusal(
                f"the name of a model is missing; write {ctx.command_path} "
                f"{self.list_commands(ctx)[0]} DATA"
            )
        return super().parse_args(ctx, args)

    def _unknown(self, ctx: Any, args: list[str]) -> str:
        names = self.list_commands(ctx)
        there_are = "there is only" if len(names) == 1 else "there are"
        given = args[0]
        of_models = ctx.info_name == "fit"
        what = "model" if of_models else "command"
        if of_models and (os.path.sep in given or "." in given):
            return (
                f"{given!r} stands where the name of a model is expected ({', '.join(names)}); "
                f"write {ctx.command_path} {names[0]} {given}"
            )
        spelled = given.lower().replace("_", "-")
        squeezed = {name.replace("-", ""): name for name in names}
        near = difflib.get_close_matches(spelled.replace("-", ""), squeezed, 1, 0.5)
        advice = f"did you mean {squeezed[near[0]]}?" if near else f"{there_are} {', '.join(names)}"
        return f"there is no {what} {given!r}; {advice}"
