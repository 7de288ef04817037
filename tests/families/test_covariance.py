"""The fourteen covariance models: maxima against brute force, charts, floors, and their counts."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.optimize import minimize

from latentia.engine.space import DegenerateError
from latentia.families.covariance import MODELS, PATTERNS, STRUCTURES, structure_of, written_out

from .patterns import ALIASES, random_matrices

every_model = pytest.mark.parametrize("name", list(PATTERNS))
seeds = st.integers(0, 2**32 - 1)
RECORDED = Path(__file__).parents[1] / "parity" / "mclust.csv"


def _scatter(k, d, rng, rows=9):
    """Counts and scatter matrices of unlike groups of rows, (K,) and (K, d, d)."""
    count = rng.uniform(3, 30, size=k)
    x = rng.normal(size=(k, rows, d)) @ rng.normal(size=(k, d, d))
    return count, np.swapaxes(x, 1, 2) @ x * count[:, None, None] / rows


def _cost(matrices, count, scatter):
    """Minus twice q, short of a constant."""
    _, log_det = np.linalg.slogdet(matrices)
    return float(count @ log_det + np.einsum("kij,kji->", np.linalg.inv(matrices), scatter))


def _maximum(name, count, scatter, floor=0.0, previous=None):
    """The structure's maximum, written out."""
    structure, (k, d, _) = MODELS[name], scatter.shape
    old = None if previous is None else structure.of_matrices(previous)
    made = structure.maximum(count, structure.summed(scatter), floor, d, old)
    if old is not None:
        made = structure.keep(old, made, count <= 1e-300)
    return structure.matrices(made, k, d)


def _least_cost(name, count, scatter, rng, tries=4):
    """The lowest cost that SciPy finds among covariances made of free factors by the definition."""
    k, d, _ = scatter.shape
    sizes = [
        {"E": 1, "V": k, "I": 0}[letter] * size
        for letter, size in zip(name, (1, d - 1, d * (d - 1) // 2), strict=True)
    ]
    pairs = np.tril_indices(d, -1)

    def built(x):
        volume, shape, turn = np.split(x, np.cumsum(sizes)[:-1])
        logs = shape.reshape(-1, d - 1) if len(shape) else np.zeros((1, d - 1))
        logs = np.column_stack([logs, -logs.sum(axis=1)])
        axes = [np.eye(d)]
        if len(turn):
            axes = []
            for each in turn.reshape(-1, len(pairs[0])):
                skew = np.zeros((d, d))
                skew[pairs] = each
                axes.append(expm(skew - skew.T))
        return np.array(
            [
                np.exp(volume[i % len(volume)])
                * (axes[i % len(axes)] * np.exp(logs[i % len(logs)]))
                @ axes[i % len(axes)].T
                for i in range(k)
            ]
        )

    def objective(x):
        return _cost(built(x), count, scatter)

    starts = [0.7 * rng.normal(size=sum(sizes)) for _ in range(tries)]
    return min(minimize(objective, x, method="BFGS").fun for x in starts)


@every_model
@pytest.mark.parametrize(("k", "d"), [(2, 2), (3, 3)])
def test_the_maximum_is_that_of_brute_force(name, k, d):
    rng = np.random.default_rng(10 * k + d)
    count, scatter = _scatter(k, d, rng)
    made = _cost(_maximum(name, count, scatter), count, scatter)
    assert made == pytest.approx(_least_cost(name, count, scatter, rng), abs=1e-4)


@every_model
@given(seed=seeds)
@settings(max_examples=8)
def test_a_step_from_anywhere_in_the_pattern_does_not_lower_q(name, seed):
    rng = np.random.default_rng(seed)
    count, scatter = _scatter(4, 3, rng)
    previous = random_matrices(name, 4, 3, rng)
    made = _maximum(name, count, scatter, 0.0, previous)
    before, after = _cost(previous, count, scatter), _cost(made, count, scatter)
    assert after <= before + 1e-10 * abs(before)
    again = _maximum(name, count, scatter, 0.0, made)
    np.testing.assert_allclose(again, made, atol=1e-5 * np.abs(made).max())


@every_model
def test_the_pattern_is_what_is_made_of_it(name):
    rng = np.random.default_rng(0)
    count, scatter = _scatter(3, 4, rng)
    made = _maximum(name, count, scatter)
    volume, shape, orientation = name
    sizes = np.linalg.det(made) ** 0.25
    values = np.linalg.eigvalsh(made) / sizes[:, None]
    assert (np.ptp(sizes) < 1e-8 * sizes.max()) == (volume == "E")
    if shape == "I":
        np.testing.assert_allclose(values, 1)
    else:
        assert (np.ptp(values, axis=0).max() < 1e-6) == (shape == "E")
    apart = max(
        np.abs(a @ b - b @ a).max() / np.abs(a @ b).max() for a in made for b in made
    )  # axes in common, if and only if they commute
    assert (apart < 1e-8) == (orientation != "V")
    off = np.abs(made * (1 - np.eye(4))).max()
    assert (off == 0) == (orientation == "I")


@every_model
@given(seed=seeds, size=st.floats(1e-6, 1e6))
@settings(max_examples=5)
def test_the_unit_does_not_matter(name, seed, size):
    count, scatter = _scatter(3, 2, np.random.default_rng(seed))
    expected = size * _maximum(name, count, scatter)
    got = _maximum(name, count, size * scatter)
    np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())


@every_model
def test_one_component_is_maximum_likelihood(name):
    count, scatter = _scatter(1, 3, np.random.default_rng(2))
    sample = scatter[0] / count[0]
    expected = {"V": sample, "E": sample, "I": np.diag(np.diag(sample))}[name[2]]
    if name[1] == "I":
        expected = np.eye(3) * np.trace(sample) / 3
    np.testing.assert_allclose(_maximum(name, count, scatter)[0], expected, atol=1e-6)


@every_model
@pytest.mark.parametrize("empty", [[1], [0, 3]])
def test_a_component_without_rows_keeps_what_is_its_own(name, empty):
    rng = np.random.default_rng(3)
    count, scatter = _scatter(4, 3, rng)
    count[empty], scatter[empty] = 1e-300, 0.0
    previous = random_matrices(name, 4, 3, rng)
    made = _maximum(name, count, scatter, 0.0, previous)
    full = np.setdiff1d(np.arange(4), empty)
    if "E" not in name:
        np.testing.assert_allclose(made[empty], previous[empty], rtol=1e-9)
    if name[0] == "E":
        sizes = np.linalg.det(made)
        np.testing.assert_allclose(sizes, sizes[full[0]], rtol=1e-8)
    else:
        np.testing.assert_allclose(np.linalg.det(made)[empty], np.linalg.det(previous)[empty])
    expected = _maximum(name, count[full], scatter[full], 0.0, previous[full])
    assert _cost(made[full], count[full], scatter[full]) == pytest.approx(
        _cost(expected, count[full], scatter[full]), rel=1e-7
    )


@every_model
@given(seed=seeds, share=st.floats(0.05, 3.0))
@settings(max_examples=8)
def test_floors_hold_and_cost_nothing_where_they_are_low(name, seed, share):
    rng = np.random.default_rng(seed)
    count, scatter = _scatter(3, 3, rng)
    free = _maximum(name, count, scatter)
    lowest = np.linalg.eigvalsh(free).min()
    floor = share * lowest
    made = _maximum(name, count, scatter, floor, free)
    values = np.linalg.eigvalsh(made)  # themselves known to the rounding of the largest
    assert (values[:, 0] >= floor * (1 - 1e-9) - 1e-15 * values[:, -1]).all()
    if share < 1:
        np.testing.assert_allclose(made, free, atol=1e-5 * np.abs(free).max())


@every_model
@pytest.mark.parametrize("d", [1, 2, 5])
def test_charts_go_round_and_have_as_many_coordinates_as_are_free(name, d):
    rng = np.random.default_rng(d)
    structure = MODELS[name]
    value = np.array(structure.of_matrices(random_matrices(name, 4, d, rng)))
    constraint = structure.space(np.ones(d), 0.0)
    chart = constraint.chart(value)
    assert chart.size == PATTERNS[name].n_free(4, d) == constraint.n_free(value.shape)
    np.testing.assert_allclose(chart.pack(value), 0, atol=1e-7)
    x = 0.3 * rng.normal(size=chart.size)
    moved = chart.unpack(x)
    assert constraint.violation(moved, value) is None
    np.testing.assert_allclose(chart.pack(moved), x, atol=1e-7)


@every_model
def test_what_breaks_the_pattern_is_a_violation(name):
    rng = np.random.default_rng(4)
    structure = MODELS[name]
    value = np.array(structure.of_matrices(random_matrices(name, 3, 3, rng)))
    other = np.array(structure.of_matrices(random_matrices("VVV", 3, 3, rng)))
    constraint = structure.space(np.ones(3), 0.0)
    assert constraint.violation(value, value) is None
    wrong = constraint.violation(other, value)
    assert (wrong is None) == (name in ALIASES.values())


def test_free_numbers_are_mclusts():
    # nMclustParams of mclust 6.0.0, which counts means and weights too
    recorded = list(csv.DictReader(RECORDED.read_text().splitlines()))
    widths = {"faithful": 2, "iris": 4, "diabetes": 3}
    seen = 0
    for row in recorded:
        if row["model"] in PATTERNS and row["data"] in widths:
            k, d = int(row["k"]), widths[row["data"]]
            free = PATTERNS[row["model"]].n_free(k, d)
            assert free + k * d + k - 1 == int(row["df"])
            seen += 1
    assert seen == 3 * 9 * 14


def test_names():
    for name, alias in ALIASES.items():
        assert STRUCTURES[name] is STRUCTURES[alias]
    assert structure_of("E", 1) is STRUCTURES["tied"]
    with pytest.raises(ValueError, match="got covariance_type='V' for 2 columns, expected"):
        structure_of("V", 2)
    with pytest.raises(ValueError, match="got covariance_type='VEX', expected one of"):
        structure_of("VEX", 2)
    assert written_out("diag").form == "diag"
    assert written_out("VVI").form == "full"


@pytest.mark.parametrize("name", ["VEI", "VEE", "VEV", "EVI", "EVV"])
def test_a_component_on_a_point_is_degenerate_without_a_floor(name):
    count, scatter = _scatter(3, 2, np.random.default_rng(5))
    scatter[1] = 0
    with pytest.raises(DegenerateError):
        _maximum(name, count, scatter)
    assert np.isfinite(_maximum(name, count, scatter, 1e-3)).all()
