"""E-steps to the optimum on overlapping mixtures: plain EM beside the default accelerator.

Data: K centres drawn from a normal of standard deviation `sep`, rows spread around them with
unit variance; start: K rows at random, the pooled covariance, equal weights. Both climb from the
same start; the optimum of each is polished to 1e-9 nats. Counted are E-steps until within 1e-3
nats of it. Where the two end in different optima the run is listed apart and left out of the
ratio: neither count says anything of the other.

    python benchmarks/overlap.py [--seeds 5] [--longest 40000] [--rows 20000]
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np

from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import EM, Fit, NotConvergedWarning
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.mixture import MixtureModel, MixtureParams

CASES = [(2, 4, 1.2), (4, 8, 1.0), (10, 6, 0.6)]
CLOSE, TOL, SAME = 1e-3, 1e-5, 1e-2


def problem(
    d: int, k: int, sep: float, seed: int, n: int
) -> tuple[MixtureModel, RowSource, MixtureParams]:
    """The model, the data and the start."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d)) * sep
    x = centres[rng.integers(k, size=n)] + rng.normal(size=(n, d))
    means = x[rng.choice(n, k, replace=False)]
    pooled = np.cov(x.T, bias=True)
    start = MixtureParams(np.full(k, 1 / k), GaussianParams(means, np.stack([pooled] * k)))
    rows = Rows.of(x)
    model = MixtureModel(Gaussian(k, STRUCTURES["full"], Frame.of(rows)), k, lambda rows, rng: [])
    return model, RowSource(rows), start


def reached(fit: Fit[Any], top: float) -> int:
    """E-steps until within CLOSE of `top`; -1 if never."""
    best = np.fmax.accumulate(np.where(fit.trace.accepted, fit.trace.objective, -np.inf))
    return int(np.argmax(best >= top - CLOSE)) if best[-1] >= top - CLOSE else -1


def run(d: int, k: int, sep: float, seed: int, n: int, longest: int) -> dict[str, Any]:
    """One problem both ways."""
    model, source, start = problem(d, k, sep, seed, n)
    plain_em = EM(tol=1e-4, max_iter=longest, accelerate="none")
    polish = EM(tol=1e-9, max_iter=3000)
    row: dict[str, Any] = {"case": (d, k, sep), "seed": seed}
    for name, settings in (("plain", plain_em), ("auto", EM(tol=TOL, max_iter=3000))):
        began = time.perf_counter()
        fit = settings.fit(model, source, 0, start=start)
        row[f"{name} s"] = time.perf_counter() - began
        top = polish.fit(model, source, 0, start=fit.params).objective
        row |= {name: reached(fit, top), f"{name} top": top, f"{name} steps": len(fit.trace.em)}
        row |= {f"{name} gap": top - fit.objective, f"{name} left": fit.certificate.remaining_gain}
        row[f"{name} status"] = fit.status.name
    return row


def main() -> None:
    """Run all cases and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--longest", type=int, default=40_000, help="E-steps of plain EM, at most")
    parser.add_argument("--rows", type=int, default=20_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotConvergedWarning)
    print("| D, K, sep | seed | plain EM | auto | ratio | same optimum | auto ended, s | below its")
    print("|---|---|---|---|---|---|---|---|")
    ratios: list[float] = []
    worst = 0.0
    for case in CASES:
        for seed in range(options.seeds):
            row = run(*case, seed, options.rows, options.longest)
            apart = row["auto top"] - row["plain top"]
            same = abs(apart) < SAME and row["plain"] > 0 and row["auto"] > 0
            ratio = row["plain"] / row["auto"] if same else float("nan")
            ratios += [ratio] if same else []
            beyond = (row["auto gap"] - row["auto left"]) / TOL
            worst = max(worst, beyond)
            plain = row["plain"] if row["plain"] >= 0 else f"> {options.longest}"
            print(
                f"| {case} | {seed} | {plain} | {row['auto']} | {ratio:.1f} "
                f"| {'yes' if same else f'no ({apart:+.2f})'} "
                f"| {row['auto status']} at {row['auto steps']}, {row['auto s']:.1f} "
                f"| {beyond:.2g} tol |",
                flush=True,
            )
    print(f"\nmedian ratio over {len(ratios)} runs with the same optimum: {np.median(ratios):.1f}")
    print(f"furthest below its own estimate of the remaining gain: {worst:.2g} tol")


if __name__ == "__main__":
    main()
