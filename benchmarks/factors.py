"""FactorAnalysis beside scikit-learn's, and principal components of rows with holes.

    python benchmarks/factors.py [--quick] [--only factors|components]

Factor analyses of the same rows, by turns: scikit-learn's as it comes (tol=1e-2) and with tol=1e-8
on LAPACK, with the seconds of a fit and how many nats of log-likelihood below the other each one
stops. Then principal components with a fifth of the cells missing: a million rows of twenty
columns, and 20,000 rows of a thousand, with the memory beside the rows.
"""

import argparse
import resource
import time
import warnings

import numpy as np
import sklearn.decomposition
from timing import FULL, QUICK, alternating, medians, seconds

from latentia import FactorAnalysis, ProbabilisticPCA, datasets

HIDDEN = 0.2
BLOCK = 1_000


def rows(n, d, q, seed=1):
    """Rows of d columns that share q factors, with uniquenesses from 0.2 to 2."""
    same, rng = np.random.default_rng(0), np.random.default_rng(seed)
    loadings, own = same.normal(size=(q, d)), same.uniform(0.2, 2.0, d)
    return rng.normal(size=(n, q)) @ loadings + np.sqrt(own) * rng.normal(size=(n, d))


def factors(x, q, budget):
    """Seconds, and nats below the best, of each side."""
    theirs = sklearn.decomposition.FactorAnalysis
    sides = {
        "latentia": lambda: FactorAnalysis(q),
        "scikit-learn": lambda: theirs(q),
        "to the end": lambda: theirs(q, tol=1e-8, svd_method="lapack", max_iter=20_000),
    }
    reached = {}

    def measured(name, make):
        def run():
            fitted = make().fit(x)
            reached[name] = fitted.score(x) * len(x), fitted.n_iter_

        return lambda: seconds(run)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = medians(alternating({k: measured(k, v) for k, v in sides.items()}, budget))
    best = max(height for height, _ in reached.values())
    return {k: (found[k], best - reached[k][0], reached[k][1]) for k in sides}


def components(n, d, q):
    """Seconds, E-steps, and memory in MB beside the rows, of one fit."""
    x, rng = np.empty((n, d)), np.random.default_rng(1)
    for at in range(0, n, BLOCK):  # so that making them takes no more memory than they do
        part = x[at : at + BLOCK]
        part[:] = rows(len(part), d, q, seed=(0, at))
        part[rng.random(part.shape) < HIDDEN] = np.nan
    ProbabilisticPCA(q, max_iter=2).fit(x[: 20 * q + 1_000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    fitted = ProbabilisticPCA(q, tol=1e-3).fit(x)
    took = time.perf_counter() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return took, fitted.n_iter_, fitted.converged_, more, x.nbytes / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["factors", "components"])
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.only != "components":
        print("| rows, factors | | a fit | nats below the highest | steps |\n|---|---|---|---|---|")
        bfi = datasets.load("bfi").values
        whole = bfi[~np.isnan(bfi).any(axis=1)]
        cases = [(whole, 1), (whole, 3), (whole, 5), (rows(2_000, 100, 10), 10)]
        if asked.quick:
            cases = [(whole, 1), (rows(300, 20, 3), 3)]
        for x, q in cases:
            n, d = x.shape
            for name, (took, below, steps) in factors(x, q, QUICK if asked.quick else FULL).items():
                print(f"| {n} x {d}, {q} | {name} | {1000 * took:.0f} ms | {below:.2g} | {steps} |")
    if asked.only != "factors":
        scale = 100 if asked.quick else 1
        print(
            "| rows, components | a fit | E-steps | memory beside | rows |\n|---|---|---|---|---|"
        )
        for n, d, q in ((1_000_000 // scale, 20, 5), (20_000 // scale, 1_000, 10)):
            took, steps, converged, more, own = components(n, d, q)
            ended = "" if converged else ", not converged"
            print(
                f"| {n} x {d}, {q} | {took:.1f} s | {steps}{ended} | {more:.0f} MB | {own:.0f} MB |"
            )


if __name__ == "__main__":
    main()
