"""`MixtureRegression`: predictions, groups, weights, missing responses, files, refusals."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm

import latentia
from latentia import EM, datasets, select
from latentia.engine import Status
from latentia.engine.inference.empirical import unit_scores
from latentia.engine.numerical import gradient_of
from latentia.mixture.errors import DataWarning
from latentia.persistence import ModelFileError, read_record, write_record
from latentia.regression import MixtureRegression

DATA = datasets.load("npreg")
FRAME = pd.DataFrame(DATA.values, columns=list(DATA.columns))
FRAME["kind"] = np.where(FRAME["yb"] > 0, "one", "none")
CURVES = "yn ~ x + I(x**2)"


def fit(formula=CURVES, frame=FRAME, groups=None, offset=None, trials=None, **settings):
    settings = {"tol": 1e-9, "n_init": 3, "random_state": 0, **settings}
    told = {"groups": groups, "offset": offset, "trials": trials}
    return MixtureRegression(formula, **settings).fit(frame, **told)


CURVED = fit()


def same(one, two, rtol=1e-6):
    """Whether two fits are the same up to the order of their components."""
    order = [np.argsort(each.coefficients_[:, 1]) for each in (one, two)]
    np.testing.assert_allclose(
        one.coefficients_[order[0]], two.coefficients_[order[1]], rtol=rtol, atol=1e-6
    )
    np.testing.assert_allclose(one.weights_[order[0]], two.weights_[order[1]], rtol=rtol)


# -- what is fitted ----------------------------------------------------------------------------


def test_arrays_and_formulas_are_the_same_fit():
    x = np.column_stack([FRAME["x"], FRAME["x"] ** 2])
    plain = MixtureRegression(n_components=2, tol=1e-9, random_state=0).fit(x, FRAME["yn"])
    assert plain.loglik_ == pytest.approx(CURVED.loglik_, abs=1e-7)
    assert plain.design_names_ == ["Intercept", "x0", "x1"]
    same(plain, CURVED)
    through_zero = MixtureRegression(fit_intercept=False, random_state=0).fit(x, FRAME["yn"])
    assert through_zero.design_names_ == ["x0", "x1"]


def test_weights_are_replication():
    times = np.random.default_rng(0).integers(0, 3, len(FRAME))
    repeated = FRAME.loc[np.repeat(np.arange(len(FRAME)), times)]
    one = fit(frame=repeated)
    two = MixtureRegression(CURVES, tol=1e-9, n_init=3, random_state=0).fit(
        FRAME, sample_weight=times
    )
    assert two.loglik_ == pytest.approx(one.loglik_, abs=1e-8)
    assert two.fit_.n_obs == len(repeated)
    same(one, two)


def test_the_order_of_the_rows_does_not_matter():
    other = fit(frame=FRAME.sample(frac=1.0, random_state=1))
    assert other.loglik_ == pytest.approx(CURVED.loglik_, abs=1e-8)
    same(other, CURVED)


def test_an_offset_shifts_the_line():
    shifted = fit("yn ~ x + I(x**2)", offset=3 + 2 * FRAME["x"])
    assert shifted.loglik_ == pytest.approx(CURVED.loglik_, abs=1e-7)
    order = [np.argsort(each.coefficients_[:, 2]) for each in (shifted, CURVED)]
    moved = shifted.coefficients_[order[0]] + [3.0, 2.0, 0.0]
    np.testing.assert_allclose(moved, CURVED.coefficients_[order[1]], rtol=1e-6, atol=1e-6)


def test_a_named_offset_is_found_again():
    frame = FRAME.assign(exposure=np.log(np.linspace(1, 3, len(FRAME))))
    counts = fit("yp ~ x", frame, family="poisson", offset="exposure")
    by_hand = counts.predict_by_component(frame.drop(columns="exposure"), offset=0.0)
    np.testing.assert_allclose(
        counts.predict_by_component(frame),
        by_hand * np.exp(frame["exposure"].to_numpy())[:, None],
        rtol=1e-12,
    )


def test_trials_are_sums_of_single_ones():
    """Rows of a group of one component, by themselves and as successes among trials."""
    rng = np.random.default_rng(0)
    x, up = np.repeat(np.arange(8.0), 12), np.arange(96) % 2
    p = 1 / (1 + np.exp(np.where(up == 1, 3 - x, x - 5)))
    wins = rng.binomial(9, p)
    frame = {"x": x, "wins": wins, "of": np.full(96, 9)}
    many = fit("wins ~ x", frame, family="binomial", trials="of")
    each = np.repeat(np.arange(96), 9)
    single = {"x": x[each], "won": (np.tile(np.arange(9), 96) < wins[each]) * 1.0}
    one = fit("won ~ x", single, family="binomial", groups=each)
    same(one, many, rtol=1e-5)
    np.testing.assert_allclose(many.predict(frame), 9 * many.predict(frame, trials=1), rtol=1e-12)


def test_factors_and_shared_dispersion():
    shared = fit("yn ~ kind*x", shared_dispersion=True)
    assert shared.design_names_ == ["Intercept", "kind[T.one]", "x", "kind[T.one]:x"]
    assert shared.dispersions_.shape == (1,)
    assert shared.n_parameters_ == 2 * 4 + 1 + 1
    apart = fit("yn ~ kind*x")
    assert apart.loglik_ >= shared.loglik_ - 1e-7


def test_concomitants_are_a_maximum_of_the_likelihood_written_out():
    """No direction of the log-likelihood rises, written with SciPy's densities, K = 2."""
    fitted = fit("yn ~ x", concomitant="~ kind")
    x, y = FRAME["x"].to_numpy(), FRAME["yn"].to_numpy()
    z = (FRAME["kind"] == "one").to_numpy() * 1.0

    def loglik(t):
        gate = t[0] + t[1] * z
        logs = np.stack([-np.logaddexp(0, gate), -np.logaddexp(0, -gate)])
        lines = np.stack([t[2] + t[3] * x, t[4] + t[5] * x])
        spread = np.exp(t[6:8])[:, None]
        return logsumexp(logs + norm.logpdf(y, lines, spread), axis=0).sum()

    at = np.concatenate(
        [
            fitted.concomitant_[1],
            fitted.coefficients_.ravel(),
            np.log(fitted.dispersions_) / 2,
        ]
    )
    assert loglik(at) == pytest.approx(fitted.loglik_, abs=1e-8)
    assert np.abs(gradient_of(loglik, at)).max() < 2e-2
    found = minimize(lambda t: -loglik(t), at, method="BFGS")
    assert -found.fun - fitted.loglik_ < 1e-6


def test_standard_errors_are_those_of_a_numerical_hessian():
    fitted = fit("yn ~ x", n_components=1)
    x, y = FRAME["x"].to_numpy(), FRAME["yn"].to_numpy()
    design = np.column_stack([np.ones(len(x)), x])
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    variance = left @ left / len(x)
    expected = np.sqrt(variance * np.diagonal(np.linalg.inv(design.T @ design)))
    rows = fitted.coefficient_table()
    np.testing.assert_allclose([row.se for row in rows], expected, rtol=1e-5)
    for row in rows:
        assert row.z == pytest.approx(row.value / row.se)
        assert row.p == pytest.approx(2 * norm.sf(abs(row.z)))
    by_name = {each.name: each for each in fitted.parameter_table()}
    assert by_name["variance[0]"].se == pytest.approx(variance * np.sqrt(2 / len(x)), rel=1e-5)
    assert by_name["weight[0]"].se == 0


@pytest.mark.parametrize("method", ["opg", "sandwich", "bootstrap", "parametric-bootstrap"])
def test_other_standard_errors_are_about_the_same(method):
    fitted = fit("yp ~ x", family="poisson", concomitant="~ x", groups="id2")
    observed = fitted.standard_errors()
    other = fitted.standard_errors(method=method, replicates=40)
    ratio = other.components.coefficients / observed.components.coefficients
    assert (ratio > 0.4).all()
    assert (ratio < 2.5).all()


def test_components_are_numbered_by_size_whichever_start_won():
    frame = FRAME.iloc[:150]  # of the second class there are half as many
    for seed in range(4):
        fitted = fit(frame=frame, random_state=seed, concomitant="~ kind" if seed else None)
        assert fitted.weights_[0] > fitted.weights_[1]
        assert fitted.coefficients_[0, 2] > fitted.coefficients_[1, 2]
        assert fitted.log_likelihood(frame).sum() == pytest.approx(fitted.loglik_, abs=1e-9)
        assert fitted.fit_.params.components.coefficients is fitted.coefficients_
        if seed:
            assert not fitted.concomitant_[0].any()


# -- groups ------------------------------------------------------------------------------------


def test_rows_of_a_subject_share_a_component():
    fitted = fit(groups="id2")
    resp = fitted.predict_memberships(FRAME, groups="id2")
    for _, rows in FRAME.groupby("id2"):
        np.testing.assert_array_equal(resp[rows.index], resp[rows.index[:1]].repeat(len(rows), 0))
    alone = fitted.predict_memberships(FRAME)
    assert resp.max(axis=1).mean() > alone.max(axis=1).mean()
    labels = fitted.predict_components(FRAME, groups=FRAME["id2"].astype(str))
    agree = np.mean((labels == labels[0]) == (DATA.labels == DATA.labels[0]))
    assert agree == 1.0  # four rows of a subject tell the classes apart without error


def test_groups_of_one_row_change_nothing():
    assert fit(groups=np.arange(len(FRAME))).loglik_ == pytest.approx(CURVED.loglik_, abs=1e-7)


# -- predictions -------------------------------------------------------------------------------


def test_predictions_are_means_over_components():
    fitted = fit("yp ~ x", family="poisson", concomitant="~ kind")
    frame = FRAME.drop(columns="yp")
    each, shares = fitted.predict_by_component(frame), fitted.predict_weights(frame)
    np.testing.assert_allclose(fitted.predict(frame), (each * shares).sum(axis=1), rtol=1e-12)
    design = np.column_stack([np.ones(len(FRAME)), FRAME["x"]])
    np.testing.assert_allclose(each, np.exp(design @ fitted.coefficients_.T), rtol=1e-12)
    assert np.unique(shares.round(12), axis=0).shape == (2, 2)
    np.testing.assert_allclose(fitted.weights_, shares.mean(axis=0), rtol=1e-12)


def test_memberships_are_bayes_rule():
    x, y = FRAME["x"].to_numpy(), FRAME["yn"].to_numpy()
    lines = CURVED.coefficients_ @ np.stack([np.ones_like(x), x, x**2])
    joint = CURVED.weights_[:, None] * norm.pdf(y, lines, np.sqrt(CURVED.dispersions_)[:, None])
    expected = (joint / joint.sum(axis=0)).T
    np.testing.assert_allclose(CURVED.predict_memberships(FRAME), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(CURVED.log_likelihood(FRAME), np.log(joint.sum(axis=0)), rtol=1e-9)
    assert CURVED.log_likelihood(FRAME).sum() == pytest.approx(CURVED.loglik_, abs=1e-9)


def test_the_score_is_the_share_of_variance_explained():
    y = FRAME["yn"].to_numpy()
    left = y - CURVED.predict(FRAME)
    assert CURVED.score(FRAME) == pytest.approx(1 - left.var() / y.var(), rel=1e-2)


def test_select_finds_two_curves():
    chosen = select(
        MixtureRegression(CURVES, random_state=0), FRAME, {"n_components": [1, 2, 3]}, n_jobs=1
    )
    assert chosen.best_settings == {"n_components": 2}


def test_select_passes_on_what_fit_takes():
    x, y = FRAME["x"].to_numpy()[:, None], FRAME["yp"].to_numpy()
    base = MixtureRegression(family="poisson", n_init=2, random_state=0)
    told = {"y": y, "groups": FRAME["id2"]}
    chosen = select(base, x, {"n_components": [1, 2]}, n_jobs=1, **told)
    alone = base.set_params(n_components=2).fit(x, **told)
    assert chosen.best_estimator.loglik_ == pytest.approx(alone.loglik_, abs=1e-7)
    again = pickle.loads(pickle.dumps(alone)).remember(x, **told)  # as from another process
    np.testing.assert_allclose(
        again.standard_errors().components.coefficients,
        alone.standard_errors().components.coefficients,
        rtol=1e-9,
    )


# -- what is missing or wrong ------------------------------------------------------------------


def test_a_row_without_a_response_is_left_out_with_a_warning():
    frame = FRAME.copy()
    frame.loc[[3, 50], "yn"] = np.nan
    with pytest.warns(DataWarning, match="2 rows have no response and are left out"):
        some = fit(frame=frame)
    rest = fit(frame=FRAME.drop(index=[3, 50]))
    assert some.loglik_ == pytest.approx(rest.loglik_, abs=1e-9)
    np.testing.assert_allclose(some.predict_memberships(frame)[3], some.weights_, rtol=1e-9)
    assert some.log_likelihood(frame)[50] == pytest.approx(0, abs=1e-12)


def frame_with(**columns):
    return FRAME.assign(**columns)


@pytest.mark.parametrize(
    ("settings", "frame", "told", "words"),
    [
        ({}, frame_with(x=np.r_[np.nan, np.ones(199)]), {}, "contains NaN at row 0, 'x'"),
        ({"concomitant": "~ w"}, frame_with(w=np.r_[[0.0] * 7, np.nan, [1.0] * 192]), {}, "'w'"),
        ({"formula": "yn ~ x + w"}, frame_with(w=2 * FRAME["x"] + 1), {}, "'w' of the design is a"),
        ({"concomitant": "~ w"}, frame_with(w=3.0), {}, "'w' of the concomitant is a linear"),
        ({"formula": "yn ~ missing"}, FRAME, {}, "no column 'missing'"),
        ({"formula": "yn ~ x.real"}, FRAME, {}, "needs `backticks`"),
        ({"formula": "kind ~ x"}, FRAME, {}, "got text in kind, expected numbers"),
        ({"formula": "yn ~ log(kind)"}, FRAME, {}, "text in arithmetic"),
        (
            {"family": "poisson"},
            FRAME,
            {},
            r"got the response -?[0-9.]+ at row \d+, expected a whole",
        ),
        ({"family": "gamma"}, FRAME, {}, "expected a positive number"),
        ({"formula": "yp ~ x", "family": "binomial"}, FRAME, {"trials": 3}, "from 0 to its number"),
        ({}, FRAME, {"trials": 3}, "only family='binomial' has"),
        ({"formula": "yb ~ x", "family": "binomial"}, FRAME, {"trials": 1.5}, "got trials = 1.5"),
        ({}, FRAME, {"offset": np.ones(3)}, r"offset of shape \(3,\)"),
        ({}, FRAME, {"offset": "kind"}, "got text in offset"),
        ({}, FRAME, {"groups": "nobody"}, "no column 'nobody'"),
        ({}, FRAME, {"y": FRAME["yn"]}, "got y beside a formula"),
        ({"formula": None}, FRAME[["x"]], {}, "requires y to be passed"),
        ({"family": "poisson", "shared_dispersion": True}, FRAME, {}, "which has no dispersion"),
        ({"n_components": 250}, FRAME, {}, "n_components = 250"),
        ({"formula": None}, FRAME[["x"]], {"y": ["a"] * 200}, "got text in y"),
        (
            {"formula": None, "concomitant": "~ q"},
            FRAME[["x"]],
            {"y": FRAME["yn"]},
            "no column 'q'",
        ),
    ],
)
def test_what_cannot_be_fitted_is_one_sentence(settings, frame, told, words):
    estimator = MixtureRegression(**{"formula": CURVES, **settings})
    with pytest.raises(ValueError, match=words) as caught:
        estimator.fit(frame, **told)
    assert "\n" not in str(caught.value)


def test_lines_through_all_their_rows_have_no_maximum():
    x = np.arange(12.0)
    frame = {"x": x, "y": np.where(x < 6, x, 10 - x)}
    with pytest.raises(ValueError, match=r"residuals of component \d vanish"):
        fit("y ~ x", frame)
    floored = fit("y ~ x", frame, reg_variance=1e-4)
    assert floored.certificate_.active_floors
    np.testing.assert_allclose(np.sort(floored.coefficients_[:, 1]), [-1, 1], atol=1e-6)


HALF = (FRAME["x"] > 5) * 1.0
SEPARATED = FRAME.assign(half=HALF, zeros=np.where(HALF > 0, 0.0, FRAME["yp"]), none=0.0)


@pytest.mark.parametrize(
    ("formula", "settings"),
    [
        ("half ~ x", {"family": "binomial", "n_components": 1}),
        ("half ~ x", {"family": "binomial"}),
        ("zeros ~ half", {"family": "poisson", "n_components": 1}),
        ("none ~ x", {"family": "poisson"}),
        (CURVES, {"concomitant": "~ class_"}),
        ("yp ~ x", {"family": "poisson", "n_components": 6}),
        ("yn ~ x", {"n_components": 1, "concomitant": "~ x"}),
    ],
)
def test_what_has_no_finite_maximum_ends_in_a_named_status_without_nan(formula, settings):
    """Responses or memberships that are predicted without error, components without need."""
    frame = SEPARATED.assign(class_=(DATA.labels == "1") * 1.0)
    fitted = fit(formula, frame, tol=1e-6, **settings)
    assert fitted.certificate_.status is Status.CONVERGED
    assert np.isfinite(fitted.loglik_)
    for leaf in (fitted.coefficients_, fitted.weights_, fitted.predict(frame)):
        assert np.isfinite(leaf).all()
    assert np.isfinite(fitted.predict_memberships(frame)).all()
    str(fitted.summary())


@pytest.mark.parametrize("unit", [1e-6, 1e7])
def test_units_do_not_matter(unit):
    """Covariates far from zero in any unit, and responses: the likelihood changes by the unit's."""
    frame = FRAME.assign(t=unit * (FRAME["x"] + 2000), u=FRAME["yn"] / unit)
    fitted = fit("u ~ t + I(t**2)", frame, tol=1e-7)
    assert fitted.loglik_ == pytest.approx(CURVED.loglik_ + 200 * np.log(unit), abs=1e-3)


# -- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("concomitant", [None, "~ kind + I(x > 5)"])
def test_files_hold_all_of_a_fit(tmp_path, concomitant):
    fitted = fit("yp ~ x*kind", family="poisson", concomitant=concomitant, offset="yb")
    errors = fitted.standard_errors()
    fitted.save(tmp_path / "model.safetensors")
    again = latentia.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(FRAME), fitted.predict(FRAME))
    np.testing.assert_array_equal(
        again.predict_memberships(FRAME), fitted.predict_memberships(FRAME)
    )
    assert again.get_params()["formula"] == "yp ~ x*kind"
    assert again.certificate_ == fitted.certificate_
    assert again.criteria() == fitted.criteria()
    assert again.coefficient_table() == fitted.coefficient_table()
    np.testing.assert_array_equal(again.weights_, fitted.weights_)
    again.remember(FRAME)
    np.testing.assert_allclose(
        again.standard_errors().components.coefficients, errors.components.coefficients, rtol=1e-6
    )
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict(FRAME), fitted.predict(FRAME)
    )


def test_a_file_with_code_in_its_formula_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    CURVED.save(path)
    record = read_record(path)
    for harmful in ("__import__('os').system('true')", "x.__class__", "I(open(x))"):
        record.header["design"]["terms"] = [["1"], [harmful]]
        write_record(path, record)
        with pytest.raises(ModelFileError, match="expected columns, numbers"):
            latentia.load(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    CURVED.save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ModelFileError, match="cut short"):
        latentia.load(path)


def test_settings_of_the_climb():
    with pytest.warns(UserWarning, match="did not converge"):
        short = MixtureRegression(CURVES, max_iter=2, n_init=1, random_state=0).fit(FRAME)
    assert short.certificate_.status is Status.MAX_ITER
    plain = MixtureRegression(
        CURVES, random_state=0, em=EM(accelerate="none", tol=1e-9, max_iter=5000)
    ).fit(FRAME)
    assert plain.certificate_.tol == 1e-9
    assert plain.loglik_ == pytest.approx(CURVED.loglik_, abs=1e-6)


def test_a_group_decides_what_is_predicted_for_its_rows():
    table = datasets.load("npreg")
    data = dict(zip(table.columns, table.values.T, strict=True))
    fitted = MixtureRegression("yn ~ x + I(x**2)", random_state=0).fit(data, groups="id2")
    hidden = {**data, "yn": np.where(np.arange(200) % 4 == 0, np.nan, data["yn"])}
    means = fitted.predict_by_component(data)
    resp = fitted.predict_memberships(hidden, groups="id2")
    told = fitted.predict(hidden, groups="id2")
    np.testing.assert_allclose(told, (means * resp).sum(axis=1), rtol=1e-13)
    unseen = np.isnan(hidden["yn"])
    apart = [np.abs(made - data["yn"])[unseen].mean() for made in (told, fitted.predict(data))]
    assert apart[0] < apart[1]
    nothing = {**data, "yn": np.full(200, np.nan)}
    np.testing.assert_allclose(fitted.predict(nothing, groups="id2"), fitted.predict(data))
    with pytest.raises(ValueError, match="got y without groups"):
        fitted.predict(data, y=data["yn"])


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "grouped"])
def test_scores_of_many_units_are_those_of_few(kind):
    rng = np.random.default_rng(0)
    n = 1800 if kind == "grouped" else 1200
    x = rng.normal(size=(n, 2))
    lines = np.where(rng.integers(0, 2, n), 1 + x @ [0.5, 0.0], -x @ [0.2, 0.4])
    told = {"groups": np.arange(n) * 2 // 3} if kind == "grouped" else {}
    y = rng.poisson(np.exp(lines)) if kind == "poisson" else lines + rng.normal(size=n)
    family = "poisson" if kind == "poisson" else "gaussian"
    fitted = MixtureRegression(family=family, random_state=0).fit(x, y * 1.0, **told)
    model, (chunk,) = fitted._setting.model(), fitted._data.chunks()
    together = unit_scores(model, chunk, fitted._fitted)
    assert len(chunk) == len(together.weights) == 1200
    halves = [chunk.take(np.arange(at, at + 600)) for at in (0, 600)]
    apart = np.vstack([unit_scores(model, half, fitted._fitted).scores for half in halves])
    np.testing.assert_allclose(together.scores, apart, rtol=1e-7, atol=1e-8)
