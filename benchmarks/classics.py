"""E-steps of every accelerator on every classic, until the engine itself stops as CONVERGED.

Each classic of examples/classics is climbed from its own start by each accelerator at tol 1e-5.
The best optimum known is the highest that any of them reached, polished by Newton steps on the
observed information. Written are E-steps and, in brackets, how many times `tol` the end lay below
the optimum of its own hill (polished from where it stopped).

    python benchmarks/classics.py [--longest 20000] [--only nile,lsat6]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from latentia.engine import EM, NotConvergedWarning
from latentia.engine.accelerate import ACCELERATORS

FOLDER = Path(__file__).parents[1] / "examples" / "classics"
TOL = 1e-5
METHODS = ("none", "squarem", "anderson", "lbfgs", "quasi-newton", "auto")


class Case(NamedTuple):
    """A classic: how to make its model and data, and where to start (None: the model's own)."""

    file: str
    label: str
    options: Mapping[str, Any] = MappingProxyType({})
    start: str = ""


CASES = [
    Case("linkage", "linkage", start="START"),
    Case("abo", "ABO", start="START"),
    Case("hasselblad", "Hasselblad from (.5, 1, 3)", start="START"),
    Case("normal_with_holes", "apple crop"),
    Case("normal_with_holes", "missvals", {"name": "missvals"}),
    Case("joreskog", "Jöreskog", start="START"),
    Case("carcinoma", "carcinoma K=3", {"k": 3}),
    Case("carcinoma", "carcinoma K=4", {"k": 4}),
    Case("censored", "censored Weibull"),
    Case("turnbull", "Turnbull"),
    Case("student_t", "Student-t, ν near 5", {"kind": "t"}),
    Case("student_t", "Student-t, normal data", {"kind": "normal"}),
    Case("student_t", "Student-t, uniform data", {"kind": "uniform"}),
    Case("dyestuff", "Dyestuff ML"),
    Case("dyestuff", "Dyestuff REML", {"reml": True}),
    Case("nile", "Nile"),
    Case("lsat6", "LSAT6"),
    Case("tomography", "tomography 12 × 12", {"size": 12}),
    Case("tomography", "tomography 24 × 24"),
]


def load(name: str) -> Any:
    """A classic's module, from its file."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def made(case: Case) -> tuple[Any, Any, Any]:
    """Model, data and start of a case."""
    module = load(case.file)
    model, data = module.problem(**case.options)
    return model, data, getattr(module, case.start) if case.start else None


def polished(model: Any, data: Any, params: Any) -> float:
    """The top of the hill that `params` stand on, as far as rounding lets it be known."""
    fit = EM(tol=1e-9, max_iter=3000).fit(model, data, 0, start=params)
    return fit.objective


def climbed(case: Case, method: str, longest: int) -> tuple[Any, float]:
    """A fit by one method, and the seconds it took."""
    model, data, start = made(case)
    began = time.perf_counter()
    fit = EM(tol=TOL, max_iter=longest, accelerate=method).fit(model, data, 0, start=start)
    return fit, time.perf_counter() - began


def row(case: Case, longest: int, say: Callable[[str], None]) -> None:
    """One line of the table."""
    model, data, _ = made(case)
    fits = {method: climbed(case, method, longest)[0] for method in METHODS}
    tops = {
        name: max(polished(model, data, fit.params), fit.objective) for name, fit in fits.items()
    }
    best = max(tops.values())
    cells: list[str] = []
    for name, fit in fits.items():
        short = (tops[name] - fit.objective) / TOL
        steps = f"{fit.certificate.n_steps}" if fit.status.name == "CONVERGED" else fit.status.name
        other = "" if best - tops[name] < 10 * TOL else f", {tops[name] - best:+.3g} nats"
        cells.append(f"{steps} ({short:.1g}{other})")
    say(f"| {case.label} | {best:.6f} | " + " | ".join(cells) + " |")


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--longest", type=int, default=20_000, help="E-steps, at most")
    parser.add_argument("--only", default="", help="files of the classics, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotConvergedWarning)
    assert set(METHODS) == set(ACCELERATORS)
    print("| problem | best objective | " + " | ".join(METHODS) + " |")
    print("|---|---|" + "---|" * len(METHODS))
    wanted = options.only.split(",") if options.only else [case.file for case in CASES]
    for case in CASES:
        if case.file in wanted:
            row(case, options.longest, lambda line: print(line, flush=True))


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
