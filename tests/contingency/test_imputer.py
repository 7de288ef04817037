"""`MixedImputer`: what it chooses, what it fills, and that it keeps what was seen."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentia import GeneralLocation, MixedImputer, Mixture, load
from latentia.mixture import DataWarning


@parametrize_with_checks([MixedImputer(max_components=2, random_state=0)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def test_it_gives_frames_where_these_are_asked_for():
    x, _, _ = table(60, 0, 2)
    given = pd.DataFrame(x, columns=["a", "b", "c"])
    made = MixedImputer(random_state=0).set_output(transform="pandas").fit(given)
    assert list(made.transform(given).columns) == ["a", "b", "c"]


def table(n, seed, columns=3):
    """Texts and numbers that go together, with holes."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    texts = np.array(["red", "green", "blue"], dtype=object)
    x = np.empty((n, columns + 1), dtype=object)
    for j in range(columns):
        x[:, j] = texts[np.where(rng.uniform(size=n) < 0.85, group, rng.integers(0, 3, n))]
    x[:, columns] = 4.0 * group + rng.normal(size=n)
    hidden = rng.uniform(size=x.shape) < 0.2
    whole = x.copy()
    x[hidden] = None
    return x, whole, hidden


@pytest.mark.parametrize(
    ("columns", "n", "kind", "words"),
    [
        (2, 300, GeneralLocation, "General location model, whose"),
        (9, 300, Mixture, "more than 5000 cells"),
        (4, 60, Mixture, "60 rows are few"),
    ],
)
def test_the_model_follows_from_the_columns_and_is_told(columns, n, kind, words):
    x, _, _ = table(n, 0, columns)
    fitted = MixedImputer(random_state=0).fit(x)
    assert isinstance(fitted.model_, kind)
    assert words in fitted.chosen_


@pytest.mark.parametrize("model", ["general-location", "mixture"])
def test_what_is_filled_is_better_than_the_columns_by_themselves(model):
    x, whole, hidden = table(500, 1)
    made = MixedImputer(model=model, random_state=0).fit_transform(x)
    assert (made[~hidden] == x[~hidden]).all()
    gone = hidden[:, 0]
    seen = x[~gone, 0].tolist()
    usual = max(set(seen), key=seen.count)
    assert (made[gone, 0] == whole[gone, 0]).mean() > (whole[gone, 0] == usual).mean() + 0.2
    gone = hidden[:, 3]
    truth = whole[gone, 3].astype(float)
    ours = np.mean((made[gone, 3].astype(float) - truth) ** 2)
    assert ours < 0.6 * truth.var()


@pytest.mark.parametrize("model", ["general-location", "mixture"])
def test_imputations_differ_and_follow_from_the_seed(model):
    x, _, hidden = table(150, 2)
    made = MixedImputer(model=model, max_components=3, random_state=1).fit(x).impute(x, 3)
    again = MixedImputer(model=model, max_components=3, random_state=1).fit(x).impute(x, 3)
    assert all((a == b).all() for a, b in zip(made, again, strict=True))
    assert (made[0] != made[1])[hidden].any()
    assert all((each[~hidden] == x[~hidden]).all() for each in made)


@pytest.mark.parametrize("model", ["general-location", "mixture"])
def test_a_saved_imputer_fills_the_same(model, tmp_path):
    x, _, _ = table(120, 3)
    fitted = MixedImputer(model=model, max_components=3, random_state=0).fit(x)
    fitted.save(tmp_path / "imputer.safetensors")
    again = load(tmp_path / "imputer.safetensors")
    assert (again.transform(x) == fitted.transform(x)).all()
    assert again.chosen_ == fitted.chosen_


def test_a_frame_of_numbers_and_texts_keeps_its_columns():
    x, _, _ = table(80, 4)
    frame = pd.DataFrame(x[:, :3], columns=list("abc")).assign(w=x[:, 3].astype(float))
    made = MixedImputer(random_state=0).fit_transform(frame)
    assert list(made.columns) == ["a", "b", "c", "w"]
    assert made["w"].dtype == np.float64
    assert not made.isna().any().any()


def test_columns_keep_their_names_in_pipelines(tmp_path):
    x, _, _ = table(60, 8)
    frame = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    pipe = make_pipeline(MixedImputer(random_state=0), "passthrough").fit(frame)
    assert pipe.get_feature_names_out().tolist() == ["a", "b", "c", "d"]
    pipe[0].save(tmp_path / "imputer.safetensors")
    assert load(tmp_path / "imputer.safetensors").get_feature_names_out().tolist() == [*"abcd"]


def _table(n):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, n)
    return pd.DataFrame(
        {
            "g": np.array(list("abc"), dtype=object)[group],
            "y": rng.normal(size=n) + group,
            "z": rng.normal(size=n),
        }
    )


@pytest.mark.parametrize("model", ["general-location", "mixture"])
def test_what_holes_leave_open_is_named(model):
    imputer = MixedImputer(model=model, random_state=0)
    table = _table(200)
    table.loc[7] = None, np.nan, np.nan
    with pytest.warns(DataWarning, match=r"row 7 has no value: .* of the other 199"):
        imputer.fit(table)
    table = _table(200)
    table.loc[:99, "g"], table.loc[100:, "y"] = None, np.nan
    told = "columns 'g' and 'y' are never seen together, so how they go together is what"
    with pytest.warns(DataWarning, match=told):
        imputer.fit(table)
    table["z"] = np.nan
    with pytest.raises(ValueError, match=r"'z' has no value; leave it out: the other 2 can be"):
        imputer.fit(table)
