"""Fits of pomegranate and tgmm, in an interpreter that has them; started by peers.py.

    python benchmarks/torch_peers.py FOLDER THREADS

FOLDER holds given.npz: x, weights, means and precisions of full covariances. Each line on standard
input is ["tgmm" or "pomegranate", steps]; the answer is the seconds that the fit took.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch


def tgmm(x: Any, weights: Any, means: Any, covariances: Any, steps: int) -> None:
    from tgmm import GaussianMixture

    GaussianMixture(
        n_components=len(weights),
        n_features=x.shape[1],
        max_iter=steps,
        tol=1e-300,
        init_weights=weights,
        init_means=means,
        init_covariances=covariances,
        device="cpu",
    ).fit(x)


def pomegranate(x: Any, weights: Any, means: Any, covariances: Any, steps: int) -> None:
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    components = [Normal(m, c, "full") for m, c in zip(means, covariances, strict=True)]
    GeneralMixtureModel(components, priors=weights, max_iter=steps, tol=-1e300).fit(x)


LIBRARIES: dict[str, Callable[..., None]] = {"tgmm": tgmm, "pomegranate": pomegranate}


def main() -> None:
    warnings.simplefilter("ignore")
    folder, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    given = np.load(Path(folder) / "given.npz")
    covariances = np.linalg.inv(given["precisions"])
    arrays = (given["x"], given["weights"], given["means"], covariances)
    x, *start = (torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
    answers, sys.stdout = sys.stdout, sys.stderr  # what the libraries print is no answer
    for line in sys.stdin:
        library, steps = json.loads(line)
        began = time.perf_counter()
        try:
            LIBRARIES[library](x, *(a.clone() for a in start), steps)
            took = time.perf_counter() - began
        except Exception as error:
            print(f"{library}: {error!r}", file=sys.stderr)
            took = float("nan")
        print(json.dumps(took), file=answers, flush=True)


if __name__ == "__main__":
    main()
