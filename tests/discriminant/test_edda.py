"""EDDA: what is said of structures that were not chosen is what a fit of them alone says."""

import numpy as np
import pytest

from latentia import MixtureDiscriminant, datasets
from latentia.families.covariance import PATTERNS

DATA = {name: datasets.load(name) for name in ("iris", "diabetes")}


@pytest.mark.parametrize("name", DATA)
def test_each_candidate_is_judged_as_if_it_were_alone(name):
    data = DATA[name]
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 3, size=len(data.values))
    together = MixtureDiscriminant("EDDA", tol=1e-8)
    together.fit(data.values, data.labels, sample_weight=weights)
    for each in together.candidates_:
        alone = MixtureDiscriminant("EDDA", covariance_types=[each.covariance], tol=1e-8)
        alone.fit(data.values, data.labels, sample_weight=weights)
        assert each.n_parameters == alone.n_parameters_ == alone.mixtures_[0].n_parameters_ - 2
        # the climb's 1e-8 nats of rows and classes are 1e-4 standard errors of the parameters
        assert each.loglik == pytest.approx(alone.loglik_, abs=1e-4)
        assert each.bic == pytest.approx(alone.criteria()["bic"], abs=2e-4)
    assert [each.covariance for each in together.candidates_] == list(PATTERNS)


def test_the_chosen_structure_has_the_evidence_of_a_fit():
    made = MixtureDiscriminant("EDDA").fit(DATA["iris"].values, DATA["iris"].labels)
    (certificate,) = made.certificates_
    assert made.converged_
    assert certificate.monotone
    assert certificate.remaining_gain < 1e-6  # it begins where nothing is left to gain


def test_what_cannot_be_fitted_is_said_and_does_not_win():
    rng = np.random.default_rng(2)
    x = np.vstack([rng.normal(size=(30, 3)), rng.normal(5, 1, size=(3, 3))])
    y = np.repeat(["many", "few"], [30, 3])  # too few rows for a matrix of their own
    made = MixtureDiscriminant("EDDA").fit(x, y)
    notes = {each.covariance: each.note for each in made.candidates_}
    assert notes["VVV"]
    assert not notes["EEE"]
    assert not notes[made.covariance_types_[0]]
    lowest = min(each.bic for each in made.candidates_ if not each.note)
    assert made.criteria()["bic"] == pytest.approx(lowest, abs=1e-6)


def test_where_every_structure_needs_a_floor_one_is_held_up():
    x = np.repeat([[0.0, 1.0], [2.0, 3.0]], 5, axis=0)
    x[:, 0] += np.tile([0.0, 0.1, 0.2, 0.3, 0.4], 2)  # the second column does not vary in a class
    made = MixtureDiscriminant("EDDA", covariance_types=["EEI", "VVI"], reg_covar=1e-5)
    made.fit(x, np.repeat([0, 1], 5))
    assert all("held up by a floor" in each.note for each in made.candidates_)
    assert made.densities_.covariances[:, 1, 1] == pytest.approx(1e-5)
