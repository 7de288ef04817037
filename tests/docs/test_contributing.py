"""The model in CONTRIBUTING.md is whole: at most 60 lines that reach the published numbers."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def block():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (only,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    return only


@pytest.fixture(scope="module")
def scope(block):
    names: dict[str, object] = {"__name__": "new_model"}
    exec(compile(block, "CONTRIBUTING.md", "exec"), names)
    return names


def test_it_is_short(block):
    assert len(block.splitlines()) <= 60


def test_it_reaches_the_published_maximum(scope):
    # Hasselblad (1969), as in turboEM's example, recomputed to convergence; standard errors from
    # a numerical Hessian there.
    fit, errors = scope["fit"], scope["errors"]
    assert fit.loglik == pytest.approx(-1989.945859883, abs=1e-8)
    assert sorted(fit.params.weights) == pytest.approx([0.3598854, 0.6401146], abs=1e-6)
    assert sorted(fit.params.rates) == pytest.approx([1.2560951, 2.6634043], abs=1e-5)
    assert sorted(errors.rates) == pytest.approx([0.2504783, 0.3500297], rel=1e-4)
    assert errors.weights == pytest.approx([0.1946843, 0.1946843], rel=1e-4)


def test_the_check_would_have_found_a_mistake(scope):
    from latentia.engine import ModelFault

    class Wrong(scope["TwoPoissons"]):
        def m_step(self, suff, params):
            right = super().m_step(suff, params)
            return right._replace(rates=1.01 * right.rates)

    with pytest.raises(ModelFault, match="the M-step maximises q"):
        scope["check_model"](Wrong(), scope["deaths"])
