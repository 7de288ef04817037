"""Families by name."""

from functools import partial

import pytest

from latentia.families import Binomial, Poisson, registry


@pytest.mark.parametrize("name", registry.names())
def test_every_name_is_that_of_its_class(name):
    assert registry.name_of(registry.class_of(name)) == name
    assert registry.class_of(name.upper().replace("_", "-")) is registry.class_of(name)


def test_what_goes_by_no_name_is_not_written():
    with pytest.raises(ValueError, match=r"of your own .*a model file runs no code"):
        registry.written({0: "poisson", 1: lambda k, d: Poisson(k, d)})
    with pytest.raises(ValueError, match="expected numbers and words"):
        registry.written(partial(Binomial, trials=object()))


def test_cells_may_be_missing_where_some_column_takes_them():
    assert registry.allows_missing("poisson")
    assert registry.allows_missing({0: "multinomial", 1: Poisson})
    assert not registry.allows_missing("multinomial")
    assert not registry.allows_missing(lambda k, d: Poisson(k, d))
