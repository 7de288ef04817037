"""Files hold all of a classifier but the data."""

import pickle

import numpy as np
import pandas as pd
import pytest

import latentia
from latentia import EM, MixtureDiscriminant, datasets

IRIS = datasets.load("iris")
QUICK = {"covariance_types": ("EII", "VVI"), "n_components": (1, 2)}


@pytest.mark.parametrize("model_type", ["EDDA", "MclustDA"])
def test_files_hold_all_but_the_data(model_type, tmp_path):
    frame = pd.DataFrame(IRIS.values, columns=list(IRIS.columns))
    made = MixtureDiscriminant(
        model_type, **QUICK, priors=[0.2, 0.3, 0.5], random_state=0, em=EM(tol=1e-5)
    ).fit(frame, IRIS.labels)
    made.save(tmp_path / "model.safetensors")
    for back in (latentia.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(back.predict_proba(frame), made.predict_proba(frame))
        assert list(back.predict(frame)) == list(made.predict(frame))
        assert str(back.summary()) == str(made.summary())
        assert back.candidates_ == made.candidates_
        assert back.criteria() == made.criteria()
        assert repr(back.certificates_) == repr(made.certificates_)
        assert back.n_parameters_ == made.n_parameters_
        assert tuple(back.n_components) == made.n_components
        assert tuple(back.covariance_types) == made.covariance_types
        np.testing.assert_array_equal(back.feature_names_in_, made.feature_names_in_)
        again = back.fit(frame, IRIS.labels)
        assert again.loglik_ == pytest.approx(made.loglik_, abs=1e-6)
