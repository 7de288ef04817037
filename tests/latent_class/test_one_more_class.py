"""Whether rows need one class more: rejected where they do, and not where they do not."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import latentia
from latentia import LatentClass


def rows(n, apart, missing=0.1):
    """Answers to five questions from two classes as far apart, some of them missing."""
    rng = np.random.default_rng(3)
    p = np.where(rng.random(n) < 0.5, 0.5 - apart, 0.5 + apart)
    x = (rng.random((n, 5)) < p[:, None]).astype(float)
    x[rng.random(x.shape) < missing] = np.nan
    return x


@pytest.mark.parametrize(("apart", "rejected"), [(0.35, True), (0.0, False)])
def test_a_second_class_is_found_where_there_is_one(apart, rejected):
    model = LatentClass(1, random_state=0).fit(rows(200, apart))
    test = model.one_more_class(replicates=19, starts=2, workers=1)
    assert (test.p_value <= 0.05) is rejected
    assert test.statistic >= 0
    again = model.one_more_class(replicates=19, starts=2, workers=1)
    assert (again.p_value, again.statistic) == (test.p_value, test.statistic)


def test_covariates_stay_with_their_rows():
    x = rows(150, 0.35, missing=0.0)
    z = np.column_stack([x, np.linspace(-1, 1, 150)])
    test = LatentClass(1, covariates=5, random_state=0).fit(z)
    assert test.one_more_class(replicates=19, starts=2, workers=1).p_value == 0.05


def test_known_classes_and_forgotten_rows_are_refused(tmp_path):
    x = rows(60, 0.3)
    model = LatentClass(2, random_state=0).fit(x, labels=[0, 1] + [-1] * 58)
    with pytest.raises(TypeError, match="rows with labels cannot be drawn anew"):
        model.one_more_class(replicates=19, workers=1)
    path = tmp_path / "model.safetensors"
    LatentClass(1).fit(x).save(path)
    with pytest.raises(NotFittedError, match="remember them with remember"):
        latentia.load(path).one_more_class()
