"""Seconds of one EM step of dynamax's DiagonalGaussianHMM, for benchmarks/hmm.py.

Runs under an interpreter that has dynamax and JAX, which need not have latentia: sequences, as an
array (m, n, d), and parameters to start from come in a NumPy file. The step is the body of
dynamax's `fit_em`, compiled by JAX beforehand, in float64, on this machine's processors.

    python benchmarks/dynamax_step.py FILE.npz REPEATS
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from typing import Any

import numpy as np


def step_of(given: Any) -> tuple[Any, Any]:
    """A compiled step from parameters to the next ones and the log-likelihood, and the first."""
    import jax  # pyright: ignore[reportMissingImports]

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
    from dynamax.hidden_markov_model import (  # pyright: ignore[reportMissingImports]
        DiagonalGaussianHMM,
    )

    k, d = given["means"].shape
    model = DiagonalGaussianHMM(k, d)
    params, properties = model.initialize(
        jax.random.PRNGKey(0),
        initial_probs=jnp.asarray(given["start"]),
        transition_matrix=jnp.asarray(given["transitions"]),
        emission_means=jnp.asarray(given["means"]),
        emission_scale_diags=jnp.sqrt(jnp.asarray(given["variances"])),
    )
    sequences = jnp.asarray(given["sequences"])

    @jax.jit
    def step(carry: Any) -> Any:
        params, state = carry
        stats, heights = jax.vmap(partial(model.e_step, params))(sequences)
        return model.m_step(params, properties, stats, state), heights.sum()

    return step, (params, model.initialize_m_step_state(params, properties))


def main() -> None:
    """Print the median of the seconds of some steps, and the first log-likelihood."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax  # pyright: ignore[reportMissingImports]

    step, carry = step_of(np.load(sys.argv[1]))
    carry, loglik = step(carry)  # compiles
    first, timed = float(loglik), []
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        carry, _ = jax.block_until_ready(step(carry))
        timed.append(time.perf_counter() - began)
    print(float(np.median(timed)), first)


if __name__ == "__main__":
    main()
