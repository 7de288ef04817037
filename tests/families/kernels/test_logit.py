import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import log_softmax

from latentia.families.kernels import logit


def by_hand(z, basis, coefficients, resp):
    """The sums row by row."""
    logs, rows = log_softmax(z @ coefficients.T, axis=1), z @ basis
    shares, weight = np.exp(logs), resp.sum(axis=0)
    slope = np.einsum("kn,nq->kq", resp - weight * shares.T, rows)[1:]
    bent = [
        np.einsum("n,ni,nj->ij", weight * shares[:, k] * ((k == m) - shares[:, m]), rows, rows)
        for k in range(1, len(resp))
        for m in range(1, k + 1)
    ]
    gram = np.einsum("n,ni,nj->ij", weight, rows, rows)
    return float((resp.T * logs).sum()), slope, np.array(bent), gram, weight.sum()


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 600), k=st.integers(2, 5), q=st.integers(1, 4), seed=st.integers(0, 2**32 - 1)
)
def test_sums_are_those_by_hand(n, k, q, seed):
    rng = np.random.default_rng(seed)
    z, resp = rng.normal(size=(n, q)), rng.dirichlet(np.ones(k), size=n).T * rng.uniform(0, 3, n)
    basis, coefficients = np.triu(rng.normal(size=(q, q))), 2 * rng.normal(size=(k, q))
    coefficients[0] = 0
    found, known = (f(z, basis, coefficients, resp) for f in (logit.run, by_hand))
    for ours, theirs in zip(found, known, strict=True):
        assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10 * n)


def test_memberships_without_a_part_count_for_nothing_where_logits_are_far_apart():
    z = np.column_stack([np.ones(3), [-4000.0, 0.0, 4000.0]])
    resp = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
    value, slope, curvature, _, _ = logit.run(z, np.eye(2), np.array([[0.0, 0.0], [0, 1.0]]), resp)
    assert_allclose(value, -np.log(2), rtol=1e-15)
    assert_allclose(slope, 0, atol=1e-12)
    assert_allclose(curvature[0], [[0.25, 0], [0, 0]], atol=1e-12)
