"""hmmlearn's documented examples with the import line changed: one fit beside its best of ten."""

import importlib.util
import json
from pathlib import Path

import pytest

from latentia import hmm

PARITY = Path(__file__).parents[1] / "parity"
HEIGHTS = json.loads((PARITY / "hmmlearn_examples.json").read_text(encoding="utf-8"))


def _recorder():
    spec = importlib.util.spec_from_file_location("recorder", PARITY / "hmmlearn_examples.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


EXAMPLES = {name: rest for name, *rest in _recorder().examples()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_fit_is_no_lower_than_their_best_of_ten(name):
    kind, given, attributes, X = EXAMPLES[name]
    model = getattr(hmm, kind)(random_state=0, **given)
    for attribute, value in attributes.items():
        setattr(model, attribute, value)
    model.fit(X)
    assert model.score(X) >= HEIGHTS[name] - model.tol
    assert model.decode(X)[1].shape == (len(X),)
    assert model.sample(5)[0].shape == (5, X.shape[1])
