import numpy as np
import pytest

from latentia import datasets
from latentia.cli import inputs
from latentia.cli.inputs import Input, check_columns, read_input

FIT = ("fit", "gaussian-mixture")
ONE = ("--components", "2", "--covariance", "full", "--starts", "1", "-q", "--no-standard-errors")


@pytest.fixture
def folder(tmp_path):
    """Old Faithful in three files."""
    (tmp_path / "parts").mkdir()
    values = datasets.load("faithful").values
    for i, part in enumerate(np.array_split(values, 3)):
        lines = ["eruptions,waiting", *(f"{a!r},{b!r}" for a, b in part.tolist())]
        (tmp_path / "parts" / f"p{i}.csv").write_text("\n".join(lines) + "\n")
    return "parts"


@pytest.mark.parametrize("pattern", ["", "/*.csv"])
def test_a_folder_or_pattern_is_fitted_as_one_table(run, folder, pattern):
    whole, parts = run(*FIT, "faithful", *ONE), run(*FIT, folder + pattern, *ONE)
    assert parts.status == 0, parts.err
    assert parts.out.splitlines()[0].startswith(f"Read {folder}{pattern}: 272 rows, 2 columns")
    assert parts.out.splitlines()[1:] == whole.out.splitlines()[1:]


def test_a_pattern_that_nothing_matches_is_refused(run):
    run(*FIT, "nowhere/*.csv").refused("no file matches nowhere/*.csv")


def test_a_large_file_is_mapped_and_gives_the_same_numbers(tmp_path, monkeypatch, folder):
    path = str(tmp_path / folder / "p0.csv")
    small = read_input(path)
    monkeypatch.setattr(inputs, "_LARGE", 100)
    large = read_input(path)
    assert isinstance(large.values, np.memmap)
    np.testing.assert_array_equal(large.values, small.values)
    assert (large.columns, large.skipped) == (small.columns, small.skipped)


def test_a_column_that_varies_only_far_down_is_no_constant(monkeypatch):
    monkeypatch.setattr(inputs, "_ROWS", 2)
    values = np.ones((7, 2))
    values[6, 0] = 2
    values[0, 1] = 2
    check_columns(Input(values, ("a", "b"), (), "t", None))
    values[6, 0] = 1
    with pytest.raises(inputs.Refusal, match="column a of t holds the same value"):
        check_columns(Input(values, ("a", "b"), (), "t", None))
