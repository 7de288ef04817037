"""EDDA and MclustDA beside what R's mclust found."""

import csv
from pathlib import Path

import numpy as np
import pytest

from latentia import MixtureDiscriminant, datasets
from latentia.discriminant.training import alone, structures

IRIS, DIABETES = datasets.load("iris"), datasets.load("diabetes")
DATA = {"iris": IRIS, "diabetes": DIABETES}
with (Path(__file__).parents[1] / "parity" / "discriminant.csv").open(encoding="utf-8") as file:
    MCLUST = list(csv.DictReader(file))  # R 4.2.2, mclust 6.0.0


@pytest.mark.parametrize(
    "known", [k for k in MCLUST if k["type"] == "EDDA" and k["asked"] != "all"]
)
def test_edda_reaches_what_mclust_does(known):
    data = DATA[known["data"]]
    made = MixtureDiscriminant("EDDA", covariance_types=[known["asked"]], tol=1e-9, max_iter=1000)
    made.fit(data.values, data.labels)
    assert made.n_parameters_ == int(known["df"])
    # what is maximised is the likelihood of rows and classes
    joint, theirs = made.mixtures_[0].loglik_, float(known["loglik"]) + float(known["own"])
    assert joint >= theirs - 1e-4
    if joint < theirs + 1e-4:
        assert made.loglik_ == pytest.approx(float(known["loglik"]), abs=2e-3)
        assert made.criteria()["bic"] == pytest.approx(-float(known["bic"]), abs=4e-3)
        n = len(data.values)
        assert n - np.trace(made.confusion_) == int(known["wrong"])


def test_edda_chooses_what_mclust_does():
    # mclust 6.0.0: -187.7097, 36 free parameters, BIC -555.8024 by its sign
    made = MixtureDiscriminant("EDDA").fit(IRIS.values, IRIS.labels)
    assert made.covariance_types_ == ("VEV",) * 3
    assert made.loglik_ == pytest.approx(-187.7097, abs=5e-5)
    assert made.n_parameters_ == 36
    assert made.criteria()["bic"] == pytest.approx(555.8024, abs=1e-4)
    assert made.bic(IRIS.values) == pytest.approx(555.8024, abs=1e-4)
    assert min(c.bic for c in made.candidates_) == pytest.approx(made.criteria()["bic"])
    assert [c.covariance for c in made.candidates_][:2] == ["EII", "VII"]
    other = MixtureDiscriminant("EDDA").fit(DIABETES.values, DIABETES.labels)
    assert other.covariance_types_ == ("VVV",) * 3
    assert other.loglik_ == pytest.approx(-2328.97912, abs=1e-3)


@pytest.mark.parametrize(
    "known", [k for k in MCLUST if len(k["of_classes"]) and k["asked"] != "all"]
)
def test_the_mixture_of_each_class_is_mclusts_or_better(known):
    data = DATA[known["data"]]
    made = MixtureDiscriminant(
        covariance_types=known["asked"].split(), n_components=range(1, 5), random_state=0
    ).fit(data.values, data.labels)
    bics = [-mixture.criteria()["bic"] for mixture in made.mixtures_]
    theirs = [float(value) for value in known["of_classes"].split()]
    if known["data"] == "diabetes":
        # a component of mclust's third class is thinner than a thousandth of the pooled covariance
        bics, theirs = bics[:2], theirs[:2]
    assert (np.array(bics) >= np.array(theirs) - 2e-3).all()
    numbers = [int(value) for value in known["components"].split()][: len(bics)]
    assert made.n_components_.tolist()[: len(bics)] == numbers
    if known["data"] == "iris":
        assert made.loglik_ == pytest.approx(float(known["loglik"]), abs=1e-3)
        assert made.n_parameters_ == int(known["df"])
        assert made.covariance_types_ == ("EEE",) * 3
        assert 150 - np.trace(made.confusion_) == int(known["wrong"])


def test_of_one_column_there_are_two_structures_and_of_one_component_three():
    assert structures(None, 1) == ["EII", "VII"]
    assert structures(["VVV", "VEV", "VVV"], 1) == ["VII"]
    assert sorted({alone(name) for name in structures(None, 2)}) == ["EEE", "EEI", "EII"]


def test_standard_errors_of_means_are_the_textbooks():
    made = MixtureDiscriminant("EDDA", covariance_types=["VVV"], tol=1e-9)
    made.fit(IRIS.values, IRIS.labels)
    errors = made.mixtures_[0].standard_errors()
    variances = np.array([IRIS.values[IRIS.labels == c].var(axis=0) for c in made.classes_])
    np.testing.assert_allclose(errors.components.means, np.sqrt(variances / 50), rtol=1e-4)
