"""Filling holes: EMImputer beside scikit-learn's IterativeImputer, and a million rows in memory.

    python benchmarks/imputation.py [--rows 100000] [--columns 30] [--memory 1000000] [--quick]

Both fill the same rows of a normal distribution with a fifth of the cells hidden at random, as they
come by default; the error is the root mean square over hidden cells, in standard deviations of
their columns. Then a million rows of twenty columns, where almost every row could have a pattern
of holes of its own, with what the fit takes of memory beside the rows.
"""

import argparse
import resource
import time

import numpy as np
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from latentia import EMImputer, IncompleteNormal

HIDDEN = 0.2


def rows(n, d, seed=1):
    """Rows of d columns that share five factors, and the same with holes."""
    same, rng = np.random.default_rng(0), np.random.default_rng(seed)
    loadings, own = same.normal(size=(d, 5)), same.uniform(0.5, 2.0, d)
    whole = rng.normal(size=(n, 5)) @ loadings.T + np.sqrt(own) * rng.normal(size=(n, d))
    return whole, np.where(rng.random((n, d)) < HIDDEN, np.nan, whole)


def error(whole, x, filled):
    """Root mean square over hidden cells, in standard deviations."""
    away = (filled - whole) / whole.std(axis=0)
    return float(np.sqrt(np.mean(away[np.isnan(x)] ** 2)))


def side_by_side(n, d):
    """Seconds and errors of both."""
    whole, x = rows(n, d)
    EMImputer().fit_transform(x[: 2 * d])
    found = {}
    for name, imputer in (("EMImputer", EMImputer()), ("IterativeImputer", IterativeImputer())):
        began = time.perf_counter()
        filled = imputer.fit_transform(x)
        found[name] = time.perf_counter() - began, error(whole, x, filled)
    return found


def memory(n, d=20):
    """Patterns, E-steps, seconds, megabytes of the rows, and of what the fit takes beside them."""
    x = np.empty((n, d))
    for at in range(0, n, 20_000):  # so that making the rows is not what takes the memory
        block = x[at : at + 20_000]
        block[:] = rows(len(block), d, seed=at)[1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    normal = IncompleteNormal().fit(x)
    took = time.perf_counter() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return len(normal.patterns_.rows), normal.n_iter_, took, x.nbytes / 2**20, more


def main():
    parser = argparse.ArgumentParser(description="EMImputer beside IterativeImputer")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--memory", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="sizes that say nothing of speed")
    asked = parser.parse_args()
    if asked.quick:
        asked.rows, asked.columns, asked.memory = 500, 4, 500
    patterns, steps, took, size, more = memory(asked.memory)
    found = side_by_side(asked.rows, asked.columns)
    print(f"| {asked.rows:,} × {asked.columns} | seconds | error |")
    print("|---|---|---|")
    for name, (seconds, wrong) in found.items():
        print(f"| {name} | {seconds:.2f} | {wrong:.4f} |")
    (ours, _), (theirs, _) = found.values()
    print(f"| ratio | {theirs / ours:.1f} | |")
    print()
    print("| rows × 20 | patterns | E-steps | seconds | MB of rows | MB beside them |")
    print("|---|---|---|---|---|---|")
    print(f"| {asked.memory:,} | {patterns:,} | {steps} | {took:.1f} | {size:.0f} | {more:.0f} |")


if __name__ == "__main__":
    main()
