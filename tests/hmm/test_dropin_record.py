"""Drop-ins in model files and pickles: what comes back is what was kept."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from latentia import datasets, load
from latentia.hmm import GMMHMM, CategoricalHMM, GaussianHMM, MultinomialHMM, PoissonHMM

QUAKES = datasets.load("earthquakes").values[:, 1:]


@pytest.mark.parametrize(
    "model",
    [
        PoissonHMM(2, transmat_prior=np.array([[2.0, 1.0], [1.0, 2.0]]), random_state=0),
        GaussianHMM(2, "tied", random_state=0),
        GaussianHMM(2, "spherical", covars_prior=0.1, random_state=0),
        CategoricalHMM(2, n_features=60, random_state=0),
        GMMHMM(2, 2, covariance_type="tied", random_state=0),
        MultinomialHMM(2, random_state=0),
    ],
)
def test_a_file_and_a_pickle_keep_a_fit(model, tmp_path):
    fitted = clone(model).fit(QUAKES)
    fitted.save(tmp_path / "chain.safetensors")
    for again in (load(tmp_path / "chain.safetensors"), pickle.loads(pickle.dumps(fitted))):
        assert type(again) is type(fitted)
        assert again.score(QUAKES) == fitted.score(QUAKES)
        assert again.monitor_.history == fitted.monitor_.history
        assert str(again.summary()).splitlines()[0] == str(fitted.summary()).splitlines()[0]
    assert load(tmp_path / "chain.safetensors").standard_errors(QUAKES).start.shape == (2,)
