"""Families made of specifications, and what they learn of the rows."""

from functools import partial

import numpy as np
import pytest

from latentia.data.arrays import Rows, distinct_rows
from latentia.families import (
    Binomial,
    Categorical,
    NegativeBinomial,
    Poisson,
    Product,
    making,
    registry,
)
from latentia.families.gaussian import Gaussian

COLUMNS = ["visits", "smokes", "region"]
X = np.array([[4, 1, 0], [0, 0, 2], [7, 1, np.nan], [2, 0, 2.0]])


def built(specification, k=2, x=X, columns=COLUMNS):
    parts = registry.parts_of(specification, columns)
    rows = Rows.of(x)
    return making.built(making.learned(parts, rows, distinct_rows(rows)), k)


def test_one_family_takes_all_columns():
    for one in ("poisson", Poisson, lambda k, d: Poisson(k, d), partial(Poisson)):
        family = built(one, 3)
        assert isinstance(family, Poisson)
        assert (family.n_components, family.n_features) == (3, 3)


@pytest.mark.parametrize("key", [("smokes", "region"), (1, 2), ("smokes", 2)])
def test_a_dict_names_columns_or_counts_them(key):
    family = built({0: "negative-binomial", key: partial(Categorical, n_levels=[2, 4])})
    assert isinstance(family, Product)
    assert isinstance(family.parts[0], NegativeBinomial)
    assert family.columns[1].tolist() == [1, 2]
    assert family.parts[1].n_levels.tolist() == [2, 4]


def test_a_dict_of_one_family_is_that_family_unless_columns_change_places():
    assert isinstance(built({(0, 1, 2): "poisson"}), Poisson)
    assert isinstance(built({(1, 0, 2): "poisson"}), Product)


def test_levels_are_counted_and_a_code_too_large_is_refused():
    assert built("categorical").n_levels.tolist() == [8, 2, 3]
    with pytest.raises(ValueError, match="got the code 8750 in a categorical column, expected"):
        built("categorical", x=X * 1250)


def test_arguments_stand_in_brackets_and_nothing_of_them_is_run():
    family = built("binomial(trials=[9, 1, 2])")
    assert isinstance(family, Binomial)
    assert family.trials.tolist() == [9, 1, 2]
    for text in ("binomial(trials=open('x'))", "binomial(9)", "binomial(trials=9", "binomial()x("):
        with pytest.raises(ValueError, match="expected a name, or a name with arguments"):
            built(text)
    with pytest.raises(ValueError, match=r"got family=.poisson. with .*unexpected keyword"):
        built("poisson(rate=3)")


def test_gaussians_get_their_frame_from_the_rows():
    family = built("gaussian(covariance_type='diag')", x=X[[0, 1, 3]])
    assert isinstance(family, Gaussian)
    assert family.covariance.name == "diag"
    np.testing.assert_allclose(family.frame.origin, X[[0, 1, 3]].mean(axis=0))
    with pytest.raises(ValueError, match="got covariance_type='round', expected one of full"):
        built("gaussian(covariance_type='round')")


@pytest.mark.parametrize(
    ("specification", "told"),
    [
        ("poison", "got family='poison', expected one of bernoulli"),
        (Poisson(2), r"got family=Poisson\(...\), expected a name, a class"),
        (3, "got family=3, expected a name, a class"),
        ("binomial", "without the number of trials"),
        ({0: "poisson", "smokes": "poisson"}, "got 0 families for column 'region'"),
        ({(0, 1, 2): "poisson", 1: "poisson"}, "got 2 families for column 'smokes'"),
        ({"weight": "poisson"}, "got a family for column 'weight', expected one of visits"),
        ({7: "poisson"}, "got a family for column 7"),
        (lambda k, d: Poisson(k + 1, d), "expected a Family of 2 components"),
        (lambda k, d: 3, "got int from the function that makes the family"),
        ("exponential(censored=True)", "got 3 columns of censored times, expected two for each"),
    ],
)
def test_what_is_no_specification_is_refused(specification, told):
    with pytest.raises((ValueError, TypeError), match=told):
        built(specification)


@pytest.mark.parametrize(
    "specification",
    [
        "poisson",
        Poisson,
        "binomial(trials=7)",
        partial(Binomial, trials=np.array([7, 7, 7])),
        "gaussian",
        {"visits": "poisson", (1, 2): "categorical"},
    ],
)
def test_what_goes_by_name_can_be_written_and_read(specification):
    again = registry.read(registry.written(specification))
    x = X[[0, 1, 3]]
    rows = Rows.of(x)
    parts = making.learned(registry.parts_of(specification, COLUMNS), rows, rows)
    back = making.restored(making.stored(parts))
    one, other, third = built(again, x=x), making.built(back, 2), making.built(parts, 2)
    resp = np.full((3, 2), 0.5)
    params = third.start(x, resp)
    for family in (one, other):
        np.testing.assert_array_equal(family.log_density(params, x), third.log_density(params, x))


def test_pieces_are_in_the_order_of_the_parameters():
    inner = Product({1: Poisson(2), 0: Binomial(2, trials=3)})
    family = Product({(2, 0): inner, 1: Poisson(2)})
    found = [(at, type(piece).__name__) for at, piece in making.pieces(family, range(3))]
    assert found == [((0,), "Poisson"), ((2,), "Binomial"), ((1,), "Poisson")]


def test_a_box_needs_columns_that_vary_and_leaves_what_is_infinite_to_be_named_as_such():
    with pytest.raises(ValueError, match="got 3 in every row of column 1, expected numbers that"):
        built("uniform", x=np.array([[1.0, 3.0], [2.0, 3.0]]), columns=["a", "b"])
    told = built("uniform(lower=0, upper=4)", x=np.full((2, 1), 3.0), columns=["a"])
    assert told.box.upper[0, 0] == 4.0
    made = built("uniform", x=np.array([[1.0], [np.inf], [2.0], [np.nan]]), columns=["a"])
    assert (made.box.lower[0, 0], made.box.upper[0, 0]) == (1.0, 2.0)
