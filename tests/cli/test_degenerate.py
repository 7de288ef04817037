"""Data that collapse a component end in a result or in one sentence at the command line too."""

import pytest

QUIET = ("--starts", "2", "--quiet")


@pytest.fixture
def two(csv):
    """Sixteen rows, two of them distinct."""
    return csv(*["1,2"] * 8, *["5,3"] * 8)


def ended(made):
    assert "Traceback" not in made.err
    assert "fault in latentia" not in made.err
    assert "Warning" not in made.err
    assert "nan" not in made.out
    return made.status


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical", "VEE", "EVE", "VVV"])
def test_a_floor_holds_normal_components_up(run, two, covariance):
    given = ("--components", 4, "--covariance", covariance)
    made = run("fit", "gaussian-mixture", two, *given, *QUIET)
    assert ended(made) == 0
    assert "held up by a floor" in made.out + made.err or "Held by a floor" in made.out


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize(
    "family", ["gamma", "weibull", "log_normal", "inverse_gaussian", "von_mises_fisher"]
)
def test_components_without_a_maximum_are_refused(run, csv, k, family):
    rows = ["0.6,0.8", "0.8,0.6"] if family == "von_mises_fisher" else ["1,2", "5,3"]
    name = csv(*[row for row in rows for _ in range(8)])
    made = run("fit", "mixture", name, "--family", family, "--components", k, *QUIET)
    made.refused("collapsed onto too few distinct rows", status=1)


@pytest.mark.parametrize(
    "family", ["poisson", "negative_binomial", "categorical", "exponential", "binomial(trials=5)"]
)
def test_more_components_than_distinct_rows_have_a_fit(run, two, family):
    made = run("fit", "mixture", two, "--family", family, "--components", 4, *QUIET)
    assert ended(made) == 0
    assert "Mixture of 4 components" in made.out


def test_items_that_separate_two_classes_perfectly(run, csv):
    name = csv(*["1,0,1"] * 10, *["0,1,0"] * 20, header="a,b,c")
    made = run("fit", "mixture", name, "--family", "bernoulli", "--components", 2, *QUIET)
    assert ended(made) == 0
    assert "0.6667" in made.out
