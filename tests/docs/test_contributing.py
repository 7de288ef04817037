"""The model in CONTRIBUTING.md runs as it stands, in at most 60 lines."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_new_model_runs(capsys):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    assert len(block.splitlines()) <= 60
    scope: dict[str, object] = {"__name__": "new_model"}
    exec(compile(block, "CONTRIBUTING.md", "exec"), scope)
    assert scope["fit"].loglik == pytest.approx(-1989.945860, abs=1e-5)  # turboEM's data
    assert sorted(scope["errors"].rates) == pytest.approx([0.2504783, 0.3500297], rel=1e-3)
    assert "the score is Fisher's" in capsys.readouterr().out
