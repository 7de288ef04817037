"""docs/command-line.md names every command and option there is, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def commands(command: Any, path: str = "latentia") -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, each in inner.items():
        yield from commands(each, f"{path} {name}")


def options(command: Any) -> set[str]:
    named = (p for p in command.params if p.param_type_name == "option")
    return {option for p in named for option in (*p.opts, *p.secondary_opts)} - {"--help", "-h"}


def sections() -> dict[str, str]:
    """The text under each second heading that is a command."""
    parts = re.split(r"^## `(latentia[^`]*)`$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def built():
    from typer.main import get_command

    from latentia.cli.app import app

    return dict(commands(get_command(app)))


def test_every_command_has_its_section(built):
    assert set(sections()) == set(built)


def test_every_option_is_told(built):
    for name, command in built.items():
        told = set(re.findall(r"`(--?[a-z][a-z-]*)", sections()[name]))
        assert told >= options(command), f"{name}: {options(command) - told}"
        everywhere = set().union(*map(options, built.values())) | {"--help", "--version"}
        assert told <= everywhere, f"{name}: {told - everywhere}"
