"""Split and merge beside the starts alone: how often the best maximum is found, at what cost.

Clusters are drawn in 1 to 8 columns, 3 to 10 of them, near and far apart, round and elongated, of
like and of unlike sizes. The best is the highest that any side ended at; a fit finds it if it ends
within 0.01 nats of it. Prints a Markdown table. The seeds begin at 1100: those before were used to
choose how many moves are tried.

    python benchmarks/rearranging.py [--problems 30]
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia import EM, GaussianMixture
from latentia.mixture import portfolio

NEAR, FIRST_SEED, TOL = 0.01, 1100, 1e-3
SIDES: dict[str, tuple[str, dict[str, Any], int]] = {
    "portfolio without": ("portfolio", {}, 0),
    "portfolio": ("portfolio", {}, portfolio.ROUNDS),
    "30 of k-means, raced": ("kmeans", {"starts": 30, "race": True}, 0),
}


def clusters(seed: int) -> tuple[NDArray[np.float64], int]:
    """Rows, and of how many Gaussians they are drawn."""
    rng = np.random.default_rng(seed)
    d, k = int(rng.choice([1, 2, 3, 5, 8])), int(rng.integers(3, 11))
    n, apart = int(rng.choice([300, 1000, 3000])), rng.choice([1.0, 1.7, 3.0])
    elongated, even = rng.choice([1, 3, 10]), rng.choice([1.0, 10.0])
    weights = rng.dirichlet(np.full(k, even) + 0.5)
    wide = k ** (1 / d) if d < 3 else 1.5
    means = apart * np.sqrt(2) * wide * rng.normal(size=(k, d))
    roots = np.empty((k, d, d))
    for j in range(k):
        axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
        long = rng.uniform(-1, 1) * np.log(elongated) / 2 * rng.choice([-1, 1], size=d)
        roots[j] = axes * np.exp(long + 0.3 * rng.normal())
    of = rng.choice(k, size=n, p=weights)
    x = means[of] + np.einsum("nij,nj->ni", roots[of], rng.normal(size=(n, d)))
    return x * np.exp(rng.normal(size=d)), k


def ended(seed: int) -> list[tuple[float, int]]:
    """The log-likelihood and the E-steps of each side."""
    x, k = clusters(seed)
    floor = 1e-4 * float(np.linalg.eigvalsh(np.atleast_2d(np.cov(x.T)))[0])
    found: list[tuple[float, int]] = []
    for method, settings, rounds in SIDES.values():
        portfolio.ROUNDS = rounds
        em = EM(tol=TOL, **settings)
        mixture = GaussianMixture(
            k, init_params=method, reg_covar=floor, max_iter=1000, random_state=0, em=em
        ).fit(x)
        found.append((mixture.loglik_, mixture.certificate_.n_steps_all))
    portfolio.ROUNDS = SIDES["portfolio"][2]
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=30)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results = np.array([ended(FIRST_SEED + i) for i in range(options.problems)])
    lost = results[:, :, 0].max(axis=1, keepdims=True) - results[:, :, 0]
    print("| starts | found the best | mean loss, nats | largest | E-steps a fit |")
    print("|---|---|---|---|---|")
    for j, side in enumerate(SIDES):
        share, steps = np.mean(lost[:, j] < NEAR), results[:, j, 1].mean()
        print(
            f"| {side} | {100 * share:.0f} % | {lost[:, j].mean():.2f} | {lost[:, j].max():.1f} "
            f"| {steps:.0f} |"
        )


if __name__ == "__main__":
    main()
