"""Information criteria by their definitions."""

import math

import pytest

from latentia.engine.selection import aic, bic, icl


def test_criteria_by_their_definitions():
    # mclust 6.0.0 on Old Faithful, EEE with three components: BIC -2314.316 in its sign
    assert bic(-1126.326, 11, 272) == pytest.approx(2314.316, abs=1e-3)
    assert aic(-1126.326, 11) == pytest.approx(2274.652, abs=1e-9)
    assert icl(-10.0, 3, 100, 2.5) == pytest.approx(20 + 3 * math.log(100) + 5)
    assert icl(-10.0, 3, 100, 0.0) == bic(-10.0, 3, 100)
