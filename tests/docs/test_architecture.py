"""docs/architecture.md knows every room of the house, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "latentia"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_room_is_named():
    rooms = {p.name for p in SOURCE.iterdir() if any(p.glob("*.py"))}
    rooms |= {p.name for p in SOURCE.glob("*.py") if not p.name.startswith("_")}
    engine = {p.name for p in (SOURCE / "engine").glob("*.py") if not p.name.startswith("_")}
    for name in rooms | engine:
        shown = name if name.endswith(".py") else f"{name}/"
        assert shown in PAGE, f"docs/architecture.md does not name {shown}"


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", PAGE))
    assert named - {"test_gaussian_mixture.py"} <= {p.name for p in SOURCE.rglob("*.py")}


def test_dependencies_are_those_declared():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [
        *project["dependencies"],
        *(d for name in ("io", "cli", "plot", "dask", "formula") for d in extras[name]),
    ]
    table = PAGE.partition("## Dependencies")[2].partition("\n## ")[0].lower()
    for requirement in declared:
        name = re.split(r"[<>=!~\[]", requirement)[0].lower()
        assert name in table, f"docs/architecture.md does not say why {name} is needed"
