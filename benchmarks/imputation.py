"""Filling holes: EMImputer beside scikit-learn's IterativeImputer, and a million rows in memory.

    python benchmarks/imputation.py [ROWS] [COLUMNS]

Both fill the same rows of a normal distribution with a fifth of the cells hidden at random; the
error is the root mean square over hidden cells, in standard deviations of their columns. Then a
million rows of twenty columns, where almost every row has a pattern of holes of its own, with what
the fit takes of memory beside the rows.
"""

import resource
import sys
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


def memory(n=1_000_000, d=20):
    """Patterns, E-steps, seconds, and megabytes of memory the fit takes beside the rows."""
    x = np.empty((n, d))
    for at in range(0, n, 20_000):  # so that making the rows is not what takes the memory
        x[at : at + 20_000] = rows(20_000, d, seed=at)[1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    normal = IncompleteNormal().fit(x)
    took = time.perf_counter() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return len(normal.patterns_.rows), normal.n_iter_, took, x.nbytes / 2**20, more


def main():
    n, d = (int(a) for a in (*sys.argv[1:3], 100_000, 30)[:2])
    found = side_by_side(n, d)
    for name, (seconds, wrong) in found.items():
        print(f"{name:<18} {seconds:8.2f} s   error {wrong:.4f}")
    (ours, _), (theirs, _) = found.values()
    print(f"{theirs / ours:.1f} times as fast, on {n:,} x {d}")
    patterns, steps, took, size, more = memory()
    print(
        f"1,000,000 x 20 with {patterns:,} patterns: {steps} E-steps, {took:.1f} s, "
        f"{more:.0f} MB beside {size:.0f} MB of rows"
    )


if __name__ == "__main__":
    main()
