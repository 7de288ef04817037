"""Gaussian mixtures against mclust 6.0.0, recorded in mclust.csv by mclust.R.

`loglik` there is what mclust's EM reaches from its own hierarchical partitions (hc.csv). Where its
thinnest component is next to nothing, or where it goes on to a singular one, it has no maximum.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from latentia import EM, GaussianMixture, datasets, select
from latentia.data.arrays import Frame, Rows
from latentia.families.conjugate import ConjugatePrior
from latentia.families.covariance import PATTERNS, structure_of
from latentia.families.gaussian import Gaussian
from latentia.mixture.model import MixtureModel, MixtureParams

HERE = Path(__file__).parent
PARTITIONS = list(csv.DictReader((HERE / "hc.csv").read_text().splitlines()))
RECORDED = {
    (row["data"], int(row["k"]), row["model"]): float(row["loglik"])
    for row in csv.DictReader((HERE / "mclust.csv").read_text().splitlines())
    if row["loglik"] != "NA" and row["longer"] != "NA" and float(row["thinnest"]) >= 1e-3
}


def _recorded(cells, names):
    """The cells of these data and numbers of components where mclust has a maximum."""
    return [(*cell, name) for cell in cells for name in names if (*cell, name) in RECORDED]


every_model = pytest.mark.parametrize("name", list(PATTERNS))


def _climbed(data, k, name, accelerate):
    """The log-likelihood from mclust's partition on."""
    x = datasets.load(data).values
    labels = [int(row[f"VVV{k}"]) - 1 for row in PARTITIONS if row["data"] == data] if k > 1 else 0
    resp = np.eye(k)[np.broadcast_to(labels, len(x))]
    rows = Rows.of(x)
    family = Gaussian(k, structure_of(name, x.shape[1]), Frame.of(rows), lends=False)
    start = MixtureParams(resp.mean(axis=0), family.start(x, resp))
    em = EM(tol=1e-5, max_iter=5000, accelerate=accelerate)
    return em.fit(MixtureModel(family, k, lambda rows, rng: []), rows, 0, start=start).loglik


@every_model
@pytest.mark.parametrize(
    ("data", "k"), [("iris", 1), ("iris", 2), ("iris", 4), ("diabetes", 3), ("faithful", 3)]
)
def test_plain_steps_reach_what_mclusts_reach(data, k, name):
    assert _climbed(data, k, name, "none") >= RECORDED[data, k, name] - 1e-3


@every_model
@pytest.mark.parametrize(("data", "k"), [("iris", 3), ("diabetes", 4)])
def test_accelerated_steps_reach_what_mclusts_reach(data, k, name):
    assert _climbed(data, k, name, "auto") >= RECORDED[data, k, name] - 1e-3


@pytest.mark.parametrize(
    ("data", "k", "name"),
    _recorded([("iris", 2), ("iris", 6), ("diabetes", 2), ("diabetes", 6)], PATTERNS),
)
def test_hierarchical_starts_reach_what_mclusts_reach(data, k, name):
    gm = GaussianMixture(
        k, covariance_type=name, init_params="hierarchical", random_state=0, em=EM()
    )
    assert gm.fit(datasets.load(data).values).loglik_ >= RECORDED[data, k, name] - 1e-3


@pytest.mark.parametrize(
    ("data", "k", "name"),
    [
        *_recorded([("galaxies", k) for k in range(1, 7)], ["V"]),
        *_recorded([("acidity", k) for k in range(1, 7)], ["E", "V"]),
    ],
)
def test_one_column(data, k, name):
    gm = GaussianMixture(k, covariance_type=name, init_params="portfolio", random_state=0, em=EM())
    assert gm.fit(datasets.load(data).values).loglik_ >= RECORDED[data, k, name] - 1e-3


@pytest.mark.parametrize("data", ["faithful", "iris", "diabetes", "galaxies", "acidity"])
def test_sweeps_reach_what_mclusts_reach(data):
    x = datasets.load(data).values
    base = GaussianMixture(init_params="hierarchical", random_state=0, em=EM(tol=1e-3, workers=1))
    names = ["E", "V"] if x.shape[1] == 1 else list(PATTERNS)
    swept = select(base, x, {"n_components": range(1, 10), "covariance_type": names}, n_jobs=1)
    short = {
        cell: RECORDED[data, *cell] - candidate.loglik
        for candidate in swept.candidates
        if (data, *(cell := tuple(candidate.settings.values()))) in RECORDED
    }
    assert max(short.values()) <= 1e-3


UNDER_PRIOR = list(csv.DictReader((HERE / "mclust_prior.csv").read_text().splitlines()))


@pytest.mark.parametrize("row", UNDER_PRIOR, ids=str)
def test_posterior_modes_are_mclusts(row):
    x, k = datasets.load(row["data"]).values, int(row["k"])
    structure = structure_of(row["model"], x.shape[1])
    rows = Rows.of(x)
    prior = ConjugatePrior.of(rows, k, structure)
    family = Gaussian(k, structure, Frame.of(rows), prior=prior, lends=False)
    labels = [int(each[f"VVV{k}"]) - 1 for each in PARTITIONS if each["data"] == row["data"]]
    resp = np.eye(k)[labels]
    first = family.start(x, resp)
    start = MixtureParams(resp.mean(axis=0), family.m_step(family.stats(first, x, resp), first))
    em = EM(tol=1e-9, max_iter=20_000, accelerate="none")
    fit = em.fit(MixtureModel(family, k, lambda rows, rng: []), rows, 0, start=start)
    assert fit.loglik == pytest.approx(float(row["loglik"]), abs=2e-3)


WITH_NOISE = list(csv.DictReader((HERE / "mclust_noise.csv").read_text().splitlines()))


@pytest.mark.parametrize("row", WITH_NOISE, ids=lambda row: row["model"])
def test_noise_is_mclusts(row):
    i = np.arange(1, 41)
    more = np.column_stack([1 + 5 * (0.37 * i % 1), 40 + 60 * (0.61 * i % 1)])
    x = np.vstack([datasets.load("faithful").values, more])
    gm = GaussianMixture(
        2,
        covariance_type=row["model"],
        noise=np.arange(len(x)) >= 272,
        random_state=0,
        em=EM(tol=1e-9),
    ).fit(x)
    assert np.exp(gm.noise_box_.log_volume) == pytest.approx(float(row["volume"]), rel=1e-9)
    if row["model"] in ("EII", "VVE"):  # where ours is a higher maximum
        assert gm.loglik_ > float(row["loglik"])
        return
    assert gm.loglik_ == pytest.approx(float(row["loglik"]), abs=1e-3)
    assert gm.noise_weight_ == pytest.approx(float(row["noise"]), abs=1e-4)
    assert (gm.predict(x) == -1).sum() == int(row["rows"])
