"""Arrows between the rooms run one way, and docs/architecture.md tells the same of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "latentia"

# What each room may import while it is being imported itself.
ALLOWED: dict[str, set[str]] = {
    "engine": set(),
    "extras": set(),
    "backends": {"engine", "extras"},
    "families": {"engine", "data"},
    "data": {"extras"},
    "datasets": {"data"},
    "persistence": {"data"},
    "estimator": {"engine"},
    "mixture": {"engine", "families", "data", "estimator"},
    "latent_class": {"engine", "families", "data", "estimator", "mixture"},
    "hmm": {"engine", "families", "data", "estimator", "mixture"},
    "regression": {"engine", "families", "data", "estimator", "mixture", "extras"},
    "switching": {"engine", "families", "data", "estimator", "mixture", "hmm", "regression"},
    "missing": {"engine", "families", "data", "estimator", "mixture"},
    "factor": {"engine", "families", "data", "estimator", "mixture", "missing"},
    "survival": {"engine", "families", "data", "estimator", "missing", "mixture"},
    "contingency": {
        "engine",
        "families",
        "data",
        "estimator",
        "latent_class",
        "mixture",
        "missing",
    },
    "selection": {"engine"},
    "discriminant": {"engine", "families", "data", "mixture", "selection"},
    "report": {"engine", "data", "extras"},
    "cli": set(),
}
# What it may reach for beyond that inside a function, when it is called.
LATER: dict[str, set[str]] = {
    "estimator": {"persistence", "report"},
    "mixture": {"persistence"},
    "regression": {"persistence"},
    "switching": {"persistence"},
    "missing": {"persistence", "report"},
    "factor": {"persistence", "report"},
    "survival": {"persistence", "report"},
    "contingency": {"persistence", "report"},
    "selection": {"report"},
    "discriminant": {"persistence", "report"},
    "cli": {
        "backends",
        "contingency",
        "data",
        "datasets",
        "discriminant",
        "engine",
        "extras",
        "factor",
        "families",
        "hmm",
        "latent_class",
        "missing",
        "mixture",
        "persistence",
        "regression",
        "report",
        "selection",
        "survival",
        "switching",
    },
}
PUBLIC = {
    "BayesianGaussianMixture": "mixture",
    "CategoricalHMM": "hmm",
    "CensoredRegression": "survival",
    "Dask": "backends",
    "EM": "engine",
    "EMImputer": "missing",
    "FactorAnalysis": "factor",
    "GMMHMM": "hmm",
    "GaussianHMM": "hmm",
    "GaussianMixture": "mixture",
    "GeneralLocation": "contingency",
    "LogLinear": "contingency",
    "MixedImputer": "contingency",
    "HiddenMarkov": "hmm",
    "HiddenMarkovMixture": "hmm",
    "HiddenSemiMarkov": "hmm",
    "IncompleteNormal": "missing",
    "LatentClass": "latent_class",
    "MarkovAutoregression": "switching",
    "MarkovRegression": "switching",
    "MixtureRegression": "regression",
    "Mixture": "mixture",
    "MixtureDiscriminant": "discriminant",
    "MultinomialHMM": "hmm",
    "PoissonHMM": "hmm",
    "ProbabilisticPCA": "factor",
    "SelfConsistent": "survival",
    "select": "selection",
    "load": "persistence",
    "scan": "data",
}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """The rooms that a file imports, and whether inside a function."""
    package = path.relative_to(SOURCE.parent).parts[:-1]

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue  # never imported
            names: list[str] = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                above = package[: len(package) + 1 - child.level] if child.level else ()
                module = ".".join([*above, *([child.module] if child.module else [])])
                bare = module == "latentia"
                names = [f"latentia.{a.name}" for a in child.names] if bare else [module]
            for name in names:
                if name.startswith("latentia.") and name != "latentia.__version__":
                    room = name.split(".")[1]
                    yield PUBLIC.get(room, room), inside
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, inside or function)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def files(room: str) -> list[Path]:
    folder = SOURCE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def test_every_room_has_its_arrows():
    rooms = {p.name for p in SOURCE.iterdir() if any(p.glob("*.py"))}
    rooms |= {p.stem for p in SOURCE.glob("*.py") if not p.name.startswith("_")}
    assert rooms == set(ALLOWED)


@pytest.mark.parametrize("room", ALLOWED)
def test_arrows(room):
    for path in files(room):
        for target, inside in imports(path):
            allowed = ALLOWED[room] | (LATER.get(room, set()) if inside else set())
            when = "inside a function" if inside else "at its top"
            assert target in {room} | allowed, f"{path} imports latentia.{target} {when}"


def test_no_two_rooms_need_each_other_to_be_imported():
    def reached(room: str, seen: frozenset[str] = frozenset()) -> None:
        assert room not in seen, f"{room} imports itself by way of {sorted(seen)}"
        for other in ALLOWED[room]:
            reached(other, seen | {room})

    for room in ALLOWED:
        reached(room)


def test_the_page_shows_these_arrows():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)(?:/|\.py)` \| [^|]* \| ([^|]*) \|$", page, flags=re.M))
    shown = {room: set(re.findall(r"`(\w+)`", cell)) for room, cell in rows.items()}
    assert shown == {room: ALLOWED[room] | LATER.get(room, set()) for room in ALLOWED}
