"""Rows turned into lines by squares against indexing, bit by bit."""

import numpy as np
import pytest

from latentia.families.kernels import tile, turn


@pytest.mark.parametrize(("source", "target"), [("f8", "f8"), ("f4", "f8"), ("f4", "f4")])
@pytest.mark.parametrize("n_features", [1, 7, 8, 9, 23, 24])
def test_lines_are_the_centred_columns_to_the_last_bit(n_features, source, target):
    rng = np.random.default_rng(n_features)
    rows = rng.normal(size=(40, n_features + 3)).astype(source)
    origin, unit = rng.normal(size=n_features), 0.3
    for x in (rows[:, :n_features].copy(), rows[:, 2:-1], np.asfortranarray(rows[:, 3:])):
        whole = ((x.astype(float) - origin) * unit).T.astype(target)
        for start, count in ((0, 24), (24, 16), (5, 8), (33, 7), (39, 1), (16, 23)):
            z = np.full((n_features + 1, 24), np.nan, target)
            given = (*tile.strided(x), start, count, origin, unit)
            turn.load_turned(*given, z[:-1])
            expected = whole[:, np.minimum(start + np.arange(24), start + count - 1)]
            np.testing.assert_array_equal(z[:-1], expected)
            assert np.isnan(z[-1]).all()
