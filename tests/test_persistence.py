import json
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save

import latentia
from latentia.persistence import (
    FORMAT_VERSION,
    ModelFileError,
    Record,
    read_record,
    save_estimator,
    write_record,
)

from .every import EVERY, fitted

RECORD = Record(
    "Example",
    {"names": ["eruptions", "wäit"], "tol": 1e-5, "given": None, "depth": {"k": 2}},
    {
        "means": np.array([[1.5, -0.0], [np.nan, np.inf]]),
        "k": np.array(3),
        "used": np.array([True, False]),
        "empty": np.zeros((0, 2), np.float32),
    },
)


def same(one, other):
    return (
        one.kind == other.kind
        and one.header == other.header
        and one.arrays.keys() == other.arrays.keys()
        and all(
            (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
            for a, b in ((one.arrays[name], other.arrays[name]) for name in one.arrays)
        )
    )


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    write_record(path, RECORD)
    return path


def message_of(path, content=None, **options):
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        read_record(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewritten(path, **changes):
    """The file with some of its metadata changed, and otherwise well formed."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] |= changes
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def test_comes_back_as_it_was(path):
    back = read_record(path, kind="Example")
    assert same(back, RECORD)
    back.arrays["means"][0, 0] = 7  # writable


@given(
    array=hnp.arrays(
        st.one_of(
            hnp.boolean_dtypes(),
            hnp.integer_dtypes(endianness="?"),
            hnp.unsigned_integer_dtypes(endianness="?"),
            hnp.floating_dtypes(endianness="?", sizes=(32, 64)),
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
@settings(max_examples=50)
def test_arrays_of_every_type_shape_and_layout_come_back(tmp_path, array):
    path = tmp_path / "model"
    write_record(path, Record("Example", {}, {"plain": array, "turned": array.T}))
    back = read_record(path).arrays
    for name, sent in (("plain", array), ("turned", array.T)):
        assert back[name].dtype == sent.dtype.newbyteorder("=")
        assert back[name].shape == sent.shape
        np.testing.assert_array_equal(back[name], sent)


def test_any_flipped_bit_is_refused_or_changes_nothing(tmp_path):
    path = tmp_path / "model"
    write_record(path, record := Record("E", {"a": [1, "b"]}, {"x": np.array([1.5, 2.0])}))
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                assert same(read_record(path), record), (place, bit)
            except ModelFileError:
                refused += 1
    assert refused > 0.98 * 8 * len(whole)  # spaces that pad the header are the exception


@given(data=st.data())
@settings(max_examples=300)
def test_any_replaced_byte_is_refused_or_changes_nothing(path, data):
    write_record(path, RECORD)
    damaged = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        assert same(read_record(path), RECORD)
    except ModelFileError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


def test_every_truncation_is_refused(path):
    whole = path.read_bytes()
    messages = [message_of(path, whole[:length]) for length in range(len(whole))]
    assert "is empty" in messages[0]
    assert all("is cut short" in message for message in messages[9:])


def test_longer_than_written_is_refused(path):
    message_of(path, path.read_bytes() + b"\0")


@pytest.mark.parametrize(
    "content",
    [
        save({"x": np.ones(2)}),
        save({"x": np.ones(2)}, {"format": "pt"}),
        pickle.dumps({"kind": "Example"}),
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"a,b\n1,2\n",
        (9).to_bytes(8, "little") + b"{not json",
        (20_000).to_bytes(8, "little") + b'{"a":' * 4_000,
    ],
    ids=["safetensors", "other-metadata", "pickle", "png", "csv", "no-json", "deep"],
)
def test_files_of_other_kinds_are_told_apart(path, content):
    assert "is not a latentia model file" in message_of(path, content)


def test_loading_a_pickle_runs_nothing(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    message_of(tmp_path / "model", pickle.dumps(Trap()))
    assert not (tmp_path / "sprung").exists()


def test_missing_file_and_folder(tmp_path):
    assert "there is no file" in message_of(tmp_path / "nowhere")
    assert "is a folder" in message_of(tmp_path)


def test_other_kind(path):
    message = message_of(path, kind="GaussianMixture")
    assert "holds a Example where a GaussianMixture is expected" in message


def test_later_format(path):
    content = rewritten(path, format_version=str(FORMAT_VERSION + 1), latentia_version="9.9")
    message = message_of(path, content)
    assert f"format {FORMAT_VERSION + 1}, written by latentia 9.9" in message
    assert "update latentia" in message


@pytest.mark.parametrize("key", ["kind", "header", "latentia_version", "extra"])
def test_changed_metadata_is_refused(path, key):
    assert "does not match its checksum" in message_of(path, rewritten(path, **{key: "{}"}))


@pytest.mark.parametrize(
    ("header", "arrays"),
    [({"a": object()}, {}), ({"a": np.nan}, {}), ({}, {"x": np.array(["a"])}), ({}, {"x": None})],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path, header, arrays):
    path = tmp_path / "model"
    with pytest.raises((TypeError, ValueError)):
        write_record(path, Record("Example", header, arrays))
    assert not path.exists()


def test_load_hands_the_record_to_its_estimator(tmp_path, monkeypatch):
    class Estimator:
        def __init__(self, means):
            self.means = means

        def _to_record(self):
            return Record("GaussianMixture", {}, {"means": self.means})

        @classmethod
        def _from_record(cls, record):
            return cls(record.arrays["means"])

    monkeypatch.setitem(latentia.persistence._ESTIMATORS, "GaussianMixture", "somewhere:Estimator")
    module = type(latentia)("somewhere")
    module.Estimator = Estimator
    monkeypatch.setitem(__import__("sys").modules, "somewhere", module)
    save_estimator(Estimator(np.array([1.0, 2.0])), tmp_path / "model")
    assert latentia.load(tmp_path / "model").means.tolist() == [1.0, 2.0]


def test_load_of_an_unknown_kind_names_it(path):
    with pytest.raises(ModelFileError, match=r"holds a 'Example', which latentia .* not know"):
        latentia.load(path)


@pytest.mark.parametrize("name", EVERY)
def test_a_whole_file_that_no_estimator_wrote_is_loaded_or_refused_in_a_sentence(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = fitted(name)._to_record()
    made = []
    for key in record.header:
        rest = {other: value for other, value in record.header.items() if other != key}
        made += [(rest, record.arrays)]
        made += [({**rest, key: value}, record.arrays) for value in (None, -1, "../x", [[{}]])]
    for key in (key for key in record.arrays if not key.startswith("climb.")):
        rest = {other: array for other, array in record.arrays.items() if other != key}
        made += [(record.header, rest)]
        for array in (
            np.zeros((10**9, 0)),
            np.zeros((0, 3)),
            np.array(np.nan),
            np.zeros((2, 2, 2)),
        ):
            made += [(record.header, {**rest, key: array})]
    refused = 0
    path = tmp_path / "model"
    for header, arrays in made:
        write_record(path, Record(name, header, arrays))
        try:
            latentia.load(path)
        except ModelFileError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1  # noqa: PT017
    assert refused > 0


@pytest.mark.parametrize("name", ["PoissonHMM", "MultinomialHMM", "MarkovAutoregression"])
def test_a_file_may_not_claim_more_states_or_lags_than_it_has_numbers(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = fitted(name)._to_record()
    for count in {"n_components", "n_states", "order"} & set(record.header["settings"]):
        settings = {**record.header["settings"], count: 10**9}
        write_record(
            tmp_path / "model", record._replace(header={**record.header, "settings": settings})
        )
        with pytest.raises(ModelFileError, match=f"got {count}=1000000000, expected at most"):
            latentia.load(tmp_path / "model")


def test_an_empty_array_may_not_be_wider_than_its_file(path):
    write_record(path, RECORD._replace(arrays={"empty": np.zeros((0, 10**12))}))
    assert "is damaged" in message_of(path)
