"""Which form makes a pass: what the rule promises, whatever its measured numbers are."""

import pytest

from latentia.families.kernels.rule import ILL, form_of, worth_compiling


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("d", [1, 4, 12, 60])
def test_thin_components_are_summed_with_care(structure, single, d):
    thin = form_of(structure, d, 5, 2 * ILL[single], single)
    plain = form_of(structure, d, 5, 1.0, single)
    assert thin is not None
    assert thin.careful
    assert plain is not None
    assert not plain.careful
    assert form_of(structure, d, 5, float("nan"), single) == thin


def test_a_second_form_is_compiled_only_for_much_work():
    common, thin = 1.0, 1e9
    few, many = 10_000, 10_000_000
    assert worth_compiling(few, 16, 8)
    assert form_of("full", 16, 8, common, False, few) == form_of("full", 16, 8, common, False)
    assert form_of("full", 16, 8, thin, False, few) is None
    assert form_of("full", 16, 8, thin, False, many) == form_of("full", 16, 8, thin, False)
    # where there is no other form there is nothing to spare
    assert form_of("full", 60, 8, thin, False, few) is not None
    assert form_of("diag", 16, 8, thin, False, few) is not None
