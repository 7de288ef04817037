"""Every part of benchmarks/ runs, at sizes that say nothing of speed."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ["machine", "steps", "optimum", "memory", "parquet", "scaling", "first fit"]
ALONE = {
    "agglomerate": "--quick",
    "bayesian": "--quick",
    "classics": "--longest 20 --only linkage",
    "factors": "--quick",
    "imputation": "--quick",
    "imputation_amelia": "--quick",
    "imputation_coverage": "--sets 2",
    "latent_class": "--quick",
    "mclust": "--data galaxies --starts hierarchical",
    "optima": "--starts 2 --longest 10 --only galaxies",
    "overlap": "--seeds 1 --longest 2000 --rows 500",
    "racing": "--repeats 1 --only galaxies",
    "rearranging": "--problems 1",
    "regressions": "--quick",
}
SMALLER = {
    "agglomerate": {"SIDES": ("EII",)},
    "bayesian": {"SIZES": [("diag", 10_000, 2, 2)], "CLIMBS": [(2, 2, 3.0)]},
    "overlap": {"CASES": [(2, 2, 3.0)]},
    "racing": {"STARTS": 2},
    "rearranging": {"FIRST_SEED": 1019},
}


@pytest.fixture
def load(monkeypatch):
    """A module of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.delenv("BENCH_LOCK", raising=False)
    monkeypatch.delenv("BENCH_ELSEWHERE", raising=False)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:  # short names, which are not to stay about
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(ROOT / "benchmarks")):
            del sys.modules[name]


@pytest.fixture
def bench(load, monkeypatch):
    """`bench` with a few hundred rows everywhere."""
    bench, peers = load("bench"), load("peers")

    def small(kind, n, d, k, dtype="float64"):
        return peers.Cell(kind, 300 + n // 10_000, min(d, 4), min(k, 2), dtype)

    for part in (bench.steps, bench.optimum, bench.memory, bench.scaling, bench.first_fit):
        monkeypatch.setattr(part, "Cell", small)
    rates = bench.machine.Machine({1: 1.0, 2: 1.0}, {1: 1.0, 2: 1.0}, {1: 1.0, 2: 1.0})
    monkeypatch.setattr(bench.machine, "measured", lambda quick: rates)
    apart = peers.rows(small("full", 0, 4, 2))  # where plain EM takes few steps
    monkeypatch.setattr(bench.optimum, "overlapping", lambda n: apart)
    monkeypatch.setattr(bench.parquet, "QUICK_ROWS", 2000)
    monkeypatch.setattr(bench.steps, "SIZES", bench.steps.SIZES[::5])
    _fewer_processes(bench, monkeypatch)
    return bench


def _fewer_processes(bench, monkeypatch):
    """Little is done here in processes of their own, since most of each is what it imports."""
    first, elsewhere, told = bench.first_fit.first, bench.parquet.measured, {}

    def first_once(*asked):
        return told["first"] if told else told.setdefault("first", first(*asked))

    def folder_elsewhere(side, folder):
        return (elsewhere if side == "folder" else bench.parquet.child)(side, folder)

    monkeypatch.setattr(bench.first_fit, "first", first_once)
    monkeypatch.setattr(bench.parquet, "measured", folder_elsewhere)
    monkeypatch.setattr(bench.memory, "measured", bench.memory.child)


def run(module, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", [f"{module.__name__}.py", *arguments])
    module.main()
    return capsys.readouterr().out


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_make_bench_prints_a_table_and_leaves_the_page(part, bench, monkeypatch, capsys):
    page = bench.PAGE.read_bytes()
    told = run(bench, monkeypatch, capsys, "--quick", "--only", part)
    assert "| " in told or part == "machine"
    assert "nan" not in told
    assert bench.PAGE.read_bytes() == page


def test_each_part_has_its_block_on_the_page(bench):
    page = bench.PAGE.read_text(encoding="utf-8")
    assert list(bench.parts(True, None)) == PARTS
    for part in PARTS:
        made = bench.written(page, part, ["new"])
        assert f"<!-- {part} -->\n\nnew\n\n<!-- end of {part} -->" in made
        assert made.count("<!--") == page.count("<!--")


def test_the_rates_of_the_machine_are_measured(load):
    machine = load("machine")
    for rate in (machine.product("float64", 2, 50, 1), machine.product("float32", 1, 50, 1)):
        assert rate > 0
    assert machine.triad(2, 1000, 1) > 0


@pytest.mark.parametrize("name", ALONE)
def test_what_runs_alone_prints_a_table(name, load, monkeypatch, capsys):
    module = load(name)
    for setting, value in SMALLER.get(name, {}).items():
        monkeypatch.setattr(module, setting, value)
    told = run(module, monkeypatch, capsys, *ALONE[name].split())
    assert told.count("\n| ") + told.startswith("| ") >= 2


def test_peers_in_another_interpreter_run(load):
    for name in ("torch", "tgmm", "pomegranate"):
        pytest.importorskip(name, reason="a peer, measured from an interpreter that has it")
    peers = load("peers")
    cell = peers.Cell("full", 500, 2, 2)
    x = peers.rows(cell)
    elsewhere = peers.Elsewhere(sys.executable, cell, x, peers.start(cell, x), 1)
    try:
        assert elsewhere.seconds("tgmm", 2) > 0
        assert elsewhere.seconds("pomegranate", 2) > 0
    finally:
        elsewhere.close()
