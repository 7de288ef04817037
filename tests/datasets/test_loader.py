import tomllib
from importlib.resources import files

import numpy as np
import pytest

from latentia import datasets
from latentia.data.errors import DataError

SOURCES = tomllib.loads(files("latentia.datasets").joinpath("sources.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", datasets.names())
def test_every_file_is_what_its_source_says(name):
    data = datasets.load(name)
    source = SOURCES[name]
    assert data.values.shape == (source["rows"], len(source["units"]))
    assert data.values.dtype == np.float64
    assert not np.isinf(data.values).any()
    assert np.isnan(data.values).sum() == source.get("missing", 0)
    assert data.columns == tuple(source["units"])
    assert (data.labels is None) == ("labels" not in source)
    if data.labels is not None:
        assert data.labels.shape == (source["rows"],)
    assert all([data.title, data.description, data.origin, data.licence])


def test_every_file_has_a_source_and_every_source_a_file():
    stems = {path.name[:-4] for path in files("latentia.datasets").iterdir() if ".csv" in path.name}
    assert stems == set(SOURCES) == set(datasets.names())


def test_old_faithful_has_its_published_moments():
    # R 4: colMeans(faithful); sapply(faithful, sd)
    values = datasets.load("faithful").values
    np.testing.assert_allclose(values.mean(0), [3.487783, 70.897059], rtol=1e-6)
    np.testing.assert_allclose(values.std(0, ddof=1), [1.141371, 13.594974], rtol=1e-6)


def test_iris_is_the_version_without_errors():
    # R 4: iris[c(35, 38), 1:4]; colMeans(iris[, 1:4])
    iris = datasets.load("iris")
    assert iris.values[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert iris.values[37].tolist() == [4.9, 3.6, 1.4, 0.1]
    np.testing.assert_allclose(
        iris.values.mean(0), [5.843333, 3.057333, 3.758, 1.199333], rtol=1e-6
    )
    assert iris.labels is not None
    assert np.unique(iris.labels, return_counts=True)[1].tolist() == [50, 50, 50]


def test_classes_of_diabetes_are_as_many_as_published():
    # Reaven & Miller (1979): 76 normal, 36 chemical and 33 overt diabetics.
    labels = datasets.load("diabetes").labels
    counts = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    assert counts == {"Normal": 76, "Chemical": 36, "Overt": 33}


def test_deaths_are_the_published_frequencies():
    # Hasselblad (1969): days with 0, 1, ..., 9 deaths.
    counts = np.unique(datasets.load("deaths").values, return_counts=True)
    np.testing.assert_array_equal(counts[0], np.arange(10))
    assert counts[1].tolist() == [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]


def test_each_load_is_fresh():
    datasets.load("galaxies").values[:] = 0
    assert datasets.load("galaxies").values.min() == 9.172


def test_unknown_name_is_one_sentence_with_a_suggestion():
    with pytest.raises(DataError, match="no data set 'fathful'; did you mean 'faithful'"):
        datasets.load("fathful")
