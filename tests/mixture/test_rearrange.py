"""Split and merge: which components are moved, and that it leads where EM does not."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm

from latentia import EM, GaussianMixture, Mixture
from latentia.data.arrays import Frame, Rows
from latentia.engine import Status
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian
from latentia.mixture import MixtureModel
from latentia.mixture.labels import LabelledRows
from latentia.mixture.rearrange import MOST, Move, moves, rearrangements

CENTRES = np.array([-20.0, 0.0, 20.0])


@pytest.fixture(scope="module")
def three():
    """Three clusters far apart, of 40 rows each."""
    return (CENTRES[:, None] + np.random.default_rng(0).normal(size=(3, 40))).reshape(-1, 1)


def misplaced(x):
    """A model whose only guess covers two clusters by one component and one by two."""
    far = x[:, 0] > 10
    first = ~far
    inner = far & (x[:, 0] > 20)
    resp = np.stack([first, inner, far & ~inner], axis=1).astype(float)
    rows = Rows.of(x)
    family = Gaussian(3, STRUCTURES["full"], Frame.of(rows), 1e-6)
    return MixtureModel(family, 3, lambda rows, rng: [resp[np.argsort(np.argsort(rows.x[:, 0]))]])


def test_the_pair_that_overlaps_is_merged_and_what_fits_worst_is_split():
    x = np.concatenate([np.linspace(-1, 1, 50), np.linspace(9, 11, 50), np.linspace(29, 31, 50)])
    means, deviations = np.array([5.0, 29.9, 30.1]), np.array([5.0, 0.6, 0.6])
    density = norm.logpdf(x[:, None], means, deviations)
    ranked = moves(softmax(density, axis=1), density, np.ones(150))
    assert ranked[0] == Move(1, 2, 0)
    assert len(ranked) <= MOST
    assert len(set(ranked)) == len(ranked)
    assert all(len(set(move)) == 3 for move in ranked)


def test_weights_are_replication():
    rng = np.random.default_rng(0)
    x, counts = rng.normal(size=30), rng.integers(1, 4, size=30)
    density = norm.logpdf(x[:, None], [-1, 0, 0.5, 2], [1, 0.5, 1, 0.7])
    resp = softmax(density, axis=1)
    again = np.repeat(np.arange(30), counts)
    weighted = moves(resp, density, counts.astype(float))
    assert weighted == moves(resp[again], density[again], np.ones(len(again)))


def test_memberships_stay_memberships(three):
    density = norm.logpdf(three, [-10.0, 19, 21, 0], [10, 1, 1, 30])
    resp = softmax(density, axis=1)
    made = list(rearrangements(three, np.ones(120), resp, density, np.random.default_rng(0)))
    assert made
    for new in made:
        assert (new >= 0).all()
        np.testing.assert_allclose(new.sum(axis=1), 1)
        assert (new.sum(axis=0) > 0).all()


def test_it_leads_where_em_does_not(three):
    model, rows = misplaced(three), Rows.of(np.sort(three, axis=0))
    alone = EM().fit(model, rows, 0)
    assert alone.status is Status.CONVERGED
    fit = EM(rearrange=2).fit(model, rows, 0)
    found = np.sort(fit.params.components.means[:, 0])
    np.testing.assert_allclose(found, three.reshape(3, 40).mean(axis=1), atol=1e-3)
    assert fit.objective > alone.objective + 50
    assert fit.climbs[0].objective == alone.objective  # the start itself is as it was
    certificate = fit.certificate
    assert len(fit.climbs) == certificate.n_starts == 1 + certificate.n_rearranged
    assert certificate.n_steps_all > alone.certificate.n_steps_all
    assert any("rearranged" in sentence for sentence in certificate.sentences())
    again = EM(rearrange=2, workers=1).fit(model, rows, 0)
    np.testing.assert_array_equal(again.params.components.means, fit.params.components.means)


def test_starts_that_are_given_stay_as_they_are(three):
    model, rows = misplaced(three), Rows.of(np.sort(three, axis=0))
    here = EM().fit(model, rows, 0)
    for given in ({"start": here.params}, {"resume": here}):
        assert EM(rearrange=2).fit(model, rows, 0, **given).certificate.n_rearranged == 0
    given = GaussianMixture(3, init_params="portfolio", means_init=CENTRES[:, None]).fit(three)
    assert given.certificate_.n_rearranged == 0


def test_two_components_have_nothing_to_rearrange(three):
    gm = GaussianMixture(2, em=EM(rearrange=3), random_state=0).fit(three)
    assert gm.certificate_.n_rearranged == 0
    assert gm.certificate_.n_starts == 1


def test_a_step_says_which_start_it_is_of(three):
    seen = []

    class Watch:
        def on_start(self, plan):
            pass

        def on_step(self, step):
            seen.append(step.start)

        def on_end(self, fit):
            pass

    model, rows = misplaced(three), Rows.of(np.sort(three, axis=0))
    fit = EM(rearrange=1, callbacks=[Watch()]).fit(model, rows, 0)
    assert set(seen) == set(range(len(fit.climbs)))


def test_labels_are_kept_to(three):
    allowed = np.ones((120, 3), dtype=bool)
    allowed[:5] = [True, False, False]
    model = misplaced(three)
    params = EM().fit(model, Rows.of(np.sort(three, axis=0)), 0).params
    sample = LabelledRows(three, np.ones(120), allowed)
    for made in model.rearrangements(params, sample, np.random.default_rng(0)):
        assert np.isfinite(made.components.means).all()
        assert made.components.means[0, 0] < 0


@pytest.mark.parametrize("family", ["poisson", "categorical"])
def test_any_family_can_be_rearranged(family):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 4, size=200)
    if family == "poisson":
        x = rng.poisson(np.array([1, 8, 30, 80.0])[group])[:, None]
    else:
        likely = rng.integers(0, 3, size=(4, 6))[group]
        x = np.where(rng.uniform(size=(200, 6)) < 0.8, likely, rng.integers(0, 3, size=(200, 6)))
    one = Mixture(family, 4, random_state=0, em=EM(rearrange=2, tol=1e-6)).fit(x.astype(float))
    many = Mixture(family, 4, random_state=0, em=EM(starts=20, tol=1e-6)).fit(x.astype(float))
    assert one.certificate_.n_rearranged > 0
    assert one.loglik_ >= many.loglik_ - 1e-3
