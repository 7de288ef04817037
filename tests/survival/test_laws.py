"""Laws of errors: SciPy's densities and probabilities, and slopes by differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from latentia.survival.laws import ExtremeLaw, LogisticLaw, NormalLaw

LAWS = {
    "normal": (NormalLaw(), stats.norm),
    "logistic": (LogisticLaw(), stats.logistic),
    "extreme": (ExtremeLaw(), stats.gumbel_l),
}
AT = np.array([-30.0, -8.0, -1.5, -0.2, 0.0, 0.7, 2.5])


@pytest.mark.parametrize("name", LAWS)
def test_densities_tails_and_quantiles_are_scipys(name):
    law, peer = LAWS[name]
    np.testing.assert_allclose(law.log_density(AT), peer.logpdf(AT), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(law.log_survival(AT), peer.logsf(AT), rtol=1e-12, atol=1e-12)
    surely = law.log_survival(np.array([-1e3, -np.inf]))
    np.testing.assert_allclose(surely, 0, atol=1e-12)
    below = law.log_between(np.full_like(AT, -np.inf), AT)
    np.testing.assert_allclose(below, peer.logcdf(AT), rtol=1e-12, atol=1e-12)
    p = np.array([1e-9, 0.1, 0.5, 0.99])
    np.testing.assert_allclose(law.quantile(p), peer.ppf(p), rtol=1e-11)


@pytest.mark.parametrize("name", LAWS)
@given(a=st.floats(-6, 3), width=st.floats(1e-3, 5))
@settings(max_examples=60, deadline=None)
def test_intervals_are_integrals_and_slopes_are_differences(name, a, width):
    law, peer = LAWS[name]
    low, high = np.array([a]), np.array([a + width])
    at = (np.polynomial.legendre.leggauss(60)[0] + 1) / 2
    weight = np.polynomial.legendre.leggauss(60)[1] / 2
    integral = width * (weight * peer.pdf(a + width * at)).sum()
    known = law.between(low, high)
    assert known.value[0] == pytest.approx(np.log(integral), rel=1e-9, abs=1e-9)
    h = 1e-5 * width
    for slope, bend, da, db in (
        (known.at_a, known.bend_a, h, 0.0),
        (known.at_b, known.bend_b, 0.0, h),
    ):
        up, down = law.between(low + da, high + db), law.between(low - da, high - db)
        size = 1 + abs(slope[0])
        assert (up.value - down.value)[0] / (2 * h) == pytest.approx(slope[0], abs=1e-4 * size)
        first = "at_a" if da else "at_b"
        change = (getattr(up, first) - getattr(down, first))[0] / (2 * h)
        assert change == pytest.approx(bend[0], abs=1e-3 * size**2)
        other = "at_b" if da else "at_a"
        change = (getattr(up, other) - getattr(down, other))[0] / (2 * h)
        assert change == pytest.approx(known.bend_ab[0], abs=1e-3 * size**2)


@pytest.mark.parametrize("name", LAWS)
def test_a_narrow_interval_is_worth_its_density(name):
    law, _ = LAWS[name]
    e = np.array([-2.0, 0.3, 1.2])
    for width in (0.9e-5, 1.1e-5):  # on either side of where the formula changes
        known, exact = law.between(e - width / 2, e + width / 2), law.exactly(e)
        np.testing.assert_allclose(known.value - np.log(width), exact.value, atol=1e-9)
        np.testing.assert_allclose(known.at_a + known.at_b, exact.at_b, atol=1e-4)
