import numpy as np
import pytest

from latentia import EM, IncompleteNormal, datasets
from latentia.data.arrays import Rows
from latentia.missing import draws

from .samples import correlated


def test_wishart_draws_have_its_mean():
    # the mean of an inverted Wishart is scatter / (degrees - d - 1)
    rng = np.random.default_rng(0)
    scatter = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.4], [0.5, -0.4, 2.0]])
    made = np.array([draws.inverted_wishart(scatter, 20.0, rng) for _ in range(20_000)])
    error = made.std(axis=0) / np.sqrt(len(made))
    assert (np.abs(made.mean(axis=0) - scatter / 16) < 5 * error).all()


def fitted(x):
    normal = IncompleteNormal(tol=1e-10).fit(x)
    return normal, normal._model(), Rows.of(x)


@pytest.mark.parametrize("kind", ["bootstrap", "posterior"])
def test_draws_of_means_vary_as_the_observed_information_says(kind):
    _, x = correlated(250, 3, np.random.default_rng(1), 0.25)
    x = x[~np.isnan(x).all(axis=1)]
    normal, model, rows = fitted(x)
    n = 150 if kind == "bootstrap" else 600
    rng = np.random.default_rng(2)
    made = draws.drawn(kind, model, rows, normal.fit_.params, n, EM(tol=1e-3), 5, rng)
    means = np.array([each.mean for each in made])
    known = normal.standard_errors().mean
    np.testing.assert_allclose(means.std(axis=0), known, rtol=0.25)
    assert (np.abs(means.mean(axis=0) - normal.mean_) < 0.4 * known).all()


def test_of_whole_rows_the_posterior_is_drawn_at_once():
    # Student's t: the variance of the mean is (S / n) / (n - d - 2), and draws are independent
    x, _ = correlated(40, 2, np.random.default_rng(3))
    normal, model, rows = fitted(x)
    made = draws.posterior(model, rows, normal.fit_.params, 2000, 1, np.random.default_rng(4))
    means = np.array([each.mean for each in made])
    known = np.diag(normal.covariance_) / (40 - 2 - 2)
    np.testing.assert_allclose(means.var(axis=0), known, rtol=0.15)
    away = means - means.mean(axis=0)
    assert abs((away[1:, 0] * away[:-1, 0]).mean() / away[:, 0].var()) < 0.1


def test_chains_are_as_long_as_em_is_slow():
    steps = {}
    for share in (0.05, 0.6):
        _, x = correlated(300, 3, np.random.default_rng(5), share)
        x = x[~np.isnan(x).all(axis=1)]
        _, model, rows = fitted(x)
        steps[share] = draws.steps_of(model, rows)
    assert steps[0.05] == draws.LEAST
    assert steps[0.6] > 20


def test_a_chain_that_is_too_slow_says_so(monkeypatch):
    _, model, rows = fitted(datasets.load("missvals").values)
    monkeypatch.setattr(draws, "MOST", 15)
    with pytest.warns(draws.ChainWarning, match="the chain forgets so slowly"):
        assert draws.steps_of(model, rows) == 15


def test_too_few_rows_for_a_posterior():
    x = np.random.default_rng(6).normal(size=(4, 6))
    normal = IncompleteNormal(ridge=1).fit(x)
    with pytest.raises(ValueError, match="got 4 rows of 6 columns, too few for a posterior"):
        draws.posterior(
            normal._model(), Rows.of(x), normal.fit_.params, 1, 1, np.random.default_rng(0)
        )


def test_whole_weights_repeat_rows():
    rows = Rows.of([[1.0], [2.0]], [2, 0])
    assert draws.whole_weights(rows).x.tolist() == [[1.0], [1.0]]
    with pytest.raises(ValueError, match="not whole numbers with draw='posterior'"):
        draws.whole_weights(Rows.of([[1.0], [2.0]], [0.5, 1]))


def test_rows_drawn_anew_that_have_no_estimate():
    x = np.random.default_rng(7).normal(size=(5, 3))
    normal = IncompleteNormal().fit(x)
    model, centre = normal._model(), normal.fit_.params
    with pytest.raises(ValueError, match="drawn with replacement have no estimate of their own"):
        draws.bootstrap(model, Rows.of(x), centre, 50, EM(tol=1e-3), np.random.default_rng(0))


def test_an_interrupt_among_bootstrap_fits_ends_them_all():
    class Interrupt:
        steps = 0

        def on_start(self, plan):
            pass

        def on_step(self, step):
            self.steps += 1
            if self.steps == 4:
                raise KeyboardInterrupt

        def on_end(self, fit):
            pass

    _, x = correlated(80, 3, np.random.default_rng(6), 0.25)
    normal, model, rows = fitted(x[~np.isnan(x).all(axis=1)])
    watched = Interrupt()
    em = EM(tol=1e-10, callbacks=[watched], on_degenerate="status")
    with pytest.raises(KeyboardInterrupt):
        draws.bootstrap(model, rows, normal.fit_.params, 50, em, np.random.default_rng(7))
    assert watched.steps == 4
