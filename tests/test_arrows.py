"""Arrows between the rooms run one way."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "latentia"
ALLOWED = {
    "engine": {"engine"},
    "families": {"engine", "data", "families"},
    "data": {"data", "engine", "extras"},
    "mixture": {"engine", "families", "data", "estimator", "mixture", "persistence"},
}


def _imported(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
            if node.module == "latentia":
                names = [f"latentia.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("latentia.")}
    return rooms


@pytest.mark.parametrize("room", ALLOWED)
def test_arrows(room):
    for path in (SOURCE / room).rglob("*.py"):
        extra = _imported(path) - ALLOWED[room]
        doctest_only = path.name == "check.py"
        assert not extra or doctest_only, f"{path} imports {extra}"
