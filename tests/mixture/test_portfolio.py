"""A portfolio of starts: that all are made, what is left as asked, and that the winner is named."""

import numpy as np
import pytest

from latentia import EM, GaussianMixture, datasets
from latentia.mixture.portfolio import REARRANGED, raced
from latentia.mixture.start import PORTFOLIO

IRIS = datasets.load("iris").values


def test_a_start_of_each_kind_is_made_and_the_winner_named():
    gm = GaussianMixture(3, init_params="portfolio", random_state=0, em=EM()).fit(IRIS)
    certificate = gm.certificate_
    assert len(gm.fit_.climbs) == certificate.n_starts
    assert certificate.n_starts - certificate.n_rearranged == len(PORTFOLIO)
    assert gm.start_ == [*PORTFOLIO, *[REARRANGED] * certificate.n_rearranged][gm.fit_.best]
    best = max(climb.objective for climb in gm.fit_.climbs)
    assert gm.loglik_ == pytest.approx(best, abs=1e-6)


def test_the_winner_alone_comes_to_the_same_maximum():
    gm = GaussianMixture(3, init_params="portfolio", random_state=0, em=EM()).fit(IRIS)
    assert not gm.start_.startswith("random")
    method = gm.start_.partition("-")[0] if gm.start_ != "k-means++" else gm.start_
    alone = GaussianMixture(3, init_params=method, random_state=0, em=EM()).fit(IRIS)
    assert alone.loglik_ == pytest.approx(gm.loglik_, abs=1e-4)
    assert alone.start_ == method


def test_what_was_asked_for_stays():
    assert raced(EM()).get_params()["race"] is True
    assert raced(EM(race=0.5, starts=20)).get_params()["race"] == 0.5
    short = raced(EM(short_runs=10, starts=20)).get_params()
    assert not short["race"]
    assert (short["short_runs"], short["starts"]) == (10, 20)
    assert raced(EM(tol=1e-8)).get_params()["tol"] == 1e-8
    assert raced(EM(rearrange=1)).get_params()["rearrange"] == 1


@pytest.mark.parametrize("method", ["hierarchical", "portfolio"])
def test_weights_are_replication_and_order_does_not_matter(method):
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, size=len(IRIS))
    shuffled = rng.permutation(np.repeat(IRIS, counts, axis=0))
    given = {"init_params": method, "random_state": 0, "em": EM(tol=1e-8)}
    weighted = GaussianMixture(3, **given).fit(IRIS, sample_weight=counts)
    repeated = GaussianMixture(3, **given).fit(shuffled)
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-6)
    assert weighted.start_ == repeated.start_


def test_given_means_leave_nothing_to_try():
    gm = GaussianMixture(2, init_params="portfolio", means_init=IRIS[[0, 100]]).fit(IRIS)
    assert gm.certificate_.n_starts == 1
    assert gm.start_ == "given"
