"""Every family that goes by a name keeps the contract: alone, beside another, weighted, with holes.

A new family fails here until it has rows of its own below. That its log-density is SciPy's and its
fit of one component an independent one is tested in its own file.
"""

import numpy as np
import pytest

from latentia import Mixture, check_model
from latentia.data.arrays import Rows
from latentia.engine.tree import leaves
from latentia.families import Uniform, making, registry

from .checks import mixture_of, with_holes

RNG = np.random.default_rng(5)
N = 40
HALF = np.repeat([0, 1], N // 2)[:, None]
POSITIVE = RNG.gamma(2.0 + 4.0 * HALF, 1.0, size=(N, 2))
NORMAL = RNG.normal(3.0 * HALF, 1.0, size=(N, 3))
SHARES = RNG.dirichlet([2.0, 3.0, 4.0], size=N)
COUNTS = RNG.poisson(2.0 + 5.0 * HALF, size=(N, 2)) * 1.0
UNIT = NORMAL / np.linalg.norm(NORMAL, axis=1, keepdims=True)


def boxes(k, d):
    """Boxes that differ: of equal ones nothing tells the weights."""
    return Uniform(k, d, lower=0.0, upper=[[20.0 + i] * d for i in range(k)])


ROWS = {
    "bernoulli": ("bernoulli", 1.0 * (RNG.uniform(size=(N, 2)) < 0.2 + 0.6 * HALF)),
    "beta": ("beta", RNG.beta(2.0 + 3.0 * HALF, 3.0, size=(N, 2))),
    "binomial": ("binomial(trials=6)", 1.0 * RNG.binomial(6, 0.2 + 0.5 * HALF, size=(N, 2))),
    "categorical": ("categorical", 1.0 * RNG.integers(0, 3, size=(N, 2))),
    "dirichlet": ("dirichlet", SHARES),
    "exponential": ("exponential", POSITIVE),
    "factor_analyzers": ("factor_analyzers(n_factors=1)", NORMAL),
    "gamma": ("gamma", POSITIVE),
    "gaussian": ("gaussian", NORMAL),
    "gaussian_mixtures": ("gaussian_mixtures(n_mix=2)", NORMAL[:, :2]),
    "inverse_gaussian": ("inverse_gaussian", POSITIVE),
    "log_normal": ("log_normal", POSITIVE),
    "multinomial": ("multinomial", 1.0 * RNG.multinomial(5, [0.2, 0.3, 0.5], size=N)),
    "negative_binomial": ("negative_binomial", COUNTS),
    "poisson": ("poisson", COUNTS),
    "student_t": ("student_t", NORMAL),
    "uniform": (boxes, POSITIVE),
    "von_mises_fisher": ("von_mises_fisher", UNIT),
    "weibull": ("weibull", POSITIVE),
}


def test_there_are_rows_of_every_family():
    assert set(ROWS) == set(registry.names())


def built(specification, x, k=2):
    names = [f"x{j}" for j in range(x.shape[1])]
    parts = registry.parts_of(specification, names)
    rows = Rows.of(x)
    return making.built(making.learned(parts, rows, rows), k)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "in a product"])
@pytest.mark.parametrize("name", sorted(ROWS))
def test_it_passes_check_model(name, beside):
    specification, x = ROWS[name]
    if beside:
        specification = {tuple(range(x.shape[1])): specification, x.shape[1]: "poisson"}
        x = np.column_stack([x, COUNTS[:, :1]])
    family = built(specification, x)
    weights = np.random.default_rng(1).gamma(2.0, size=N)
    check_model(mixture_of(family), Rows.of(x, weights), points=1)
    if family.takes_missing:
        check_model(mixture_of(family), Rows.of(with_holes(x), weights), points=1)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_weights_are_repetitions_and_rows_of_no_weight_are_left_out(name):
    specification, x = ROWS[name]
    counts = np.random.default_rng(6).integers(0, 3, size=N)
    weighted = Mixture(specification, 2, random_state=0).fit(x, sample_weight=counts)
    again = np.random.default_rng(3).permutation(np.repeat(np.arange(N), counts))
    repeated = Mixture(specification, 2, random_state=0).fit(x[again])
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-7)
    for one, other in zip(leaves(weighted.params_), leaves(repeated.params_), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    spoilt = np.where(counts[:, None] > 0, x, -np.inf)
    assert Mixture(specification, 2, random_state=0).fit(spoilt, sample_weight=counts).loglik_ == (
        pytest.approx(weighted.loglik_, abs=1e-7)
    )
