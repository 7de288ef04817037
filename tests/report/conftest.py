import os

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest

from latentia import EM, GaussianMixture, datasets, select


@pytest.fixture(scope="session")
def faithful():
    return datasets.load("faithful")


@pytest.fixture(scope="session")
def fitted(faithful):
    em = EM(tol=1e-6, starts=3)
    return GaussianMixture(2, random_state=0, em=em).fit(faithful.values)


@pytest.fixture(scope="session")
def swept(faithful):
    grid = {"n_components": [1, 2, 3], "covariance_type": ["full", "tied"]}
    return select(GaussianMixture(n_init=2, random_state=0), faithful.values, grid)


@pytest.fixture(scope="session")
def blobs():
    """Rows around K centres in d dimensions."""

    def made(n, d, k, seed=0):
        rng = np.random.default_rng(seed)
        centres = 6 * rng.normal(size=(k, d))
        return centres[rng.integers(k, size=n)] + rng.normal(size=(n, d))

    return made
