"""Pages of estimators that have none of their own: their summaries and their figures."""

import re
import tempfile
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import latentia
from latentia import (
    CensoredRegression,
    EMImputer,
    GeneralLocation,
    HiddenMarkovMixture,
    HiddenSemiMarkov,
    IncompleteNormal,
    LogLinear,
    MarkovAutoregression,
    MarkovRegression,
    MixedImputer,
    SelfConsistent,
    datasets,
    select,
)
from latentia.report import Steps, write_report

SPEED = datasets.load("speed")
FRAME = dict(zip(SPEED.columns, SPEED.values.T, strict=True))
RT = FRAME["rt"]
STEPS = Steps(lengths=[168, 134, 137])
AIR = datasets.load("airquality").values
RNG = np.random.default_rng(0)
LEFT = np.floor(RNG.exponential(size=60) * 3) / 3
TIMES = np.stack([LEFT, np.where(RNG.random(60) < 0.2, np.inf, LEFT + 0.34)], axis=1)
AGES = np.linspace(0, 1, 60)[:, None]
CODES = RNG.integers(0, 3, (80, 2)).astype(str).tolist()
MIXED = [[*a, float(x)] for a, x in zip(CODES, RNG.normal(size=80), strict=True)]
MIXED[3][0], MIXED[7][2] = None, None


def _chain(model, **told):
    return model.set_params(n_init=2, random_state=0).fit(RT, STEPS.lengths, **told)


def _from_file(estimator):
    """Without the rows of its fit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fit.safetensors")
        estimator.save(path)
        return latentia.load(path)


FITS = {
    "curve": lambda: (SelfConsistent().fit(TIMES), TIMES, {}),
    "times": lambda: (CensoredRegression().fit(AGES, TIMES + 0.01), AGES, {}),
    "table": lambda: (LogLinear().fit(CODES), CODES, {}),
    "location": lambda: (GeneralLocation().fit(MIXED), MIXED, {}),
    "mixed imputer": lambda: (MixedImputer(random_state=0).fit(MIXED), MIXED, {}),
    "normal": lambda: (IncompleteNormal().fit(AIR), AIR, {}),
    "imputer": lambda: (_from_file(EMImputer(random_state=0).fit(AIR)), AIR, {}),
    "regression": lambda: (
        MarkovRegression("rt ~ 1", n_init=2, random_state=0).fit(FRAME, id="series"),
        FRAME,
        {"id": "series"},
    ),
    "autoregression": lambda: (_chain(MarkovAutoregression(2)), RT, {"steps": STEPS}),
    "semi-Markov": lambda: (
        _chain(HiddenSemiMarkov("gaussian", 2, durations="poisson")),
        RT,
        {"steps": STEPS},
    ),
    "clusters": lambda: (_chain(HiddenMarkovMixture("gaussian", 1, 2)), RT, {"steps": STEPS}),
}
FIGURES = {
    "curve": ["The curve of survival"],
    "times": ["Curves of three rows"],
    "table": ["x1 by x0"],
    "location": ["x1 by x0"],
    "mixed imputer": ["x1 by x0"],
    "normal": ["Which cells are missing together"],
    "imputer": ["Which cells are missing together", "What was filled in"],
    "semi-Markov": ["The states over time", "How long states last"],
}
STATES = ["The states over time", "How sure the states are", "How the states follow one another"]


@pytest.mark.parametrize("name", FITS)
def test_a_page_has_what_the_summary_says(name, tmp_path):
    estimator, X, told = FITS[name]()
    first, again = tmp_path / "first.html", tmp_path / "again.html"
    for path in (first, again):
        write_report(path, estimator=estimator, X=X, source="data.csv", **told)
    assert first.read_bytes() == again.read_bytes()
    page = first.read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    summary = estimator.summary()
    shown = re.sub(r"[\s\u2007\u2008]+", "", unescape(page)).replace("\u2212", "-")
    cells = [cell for table in summary.tables for row in table.rows for cell in row]
    told_of = [summary.title, *(part for fact in summary.facts for part in fact)]
    for text in (*told_of, *cells, *summary.notes):
        assert re.sub(r"\s+", "", text) in shown
    assert type(estimator).__name__ + "(" in page
    assert "there is nothing hidden" not in page
    for title in FIGURES.get(name, STATES):
        assert f"<h2>{title}</h2>" in page
        assert f'aria-label="{title}"' in page


def test_an_imputer_has_the_page_of_the_command(tmp_path):
    path = tmp_path / "page.html"
    imputer = EMImputer(draw="bootstrap", n_imputations=3, random_state=0).fit(AIR)
    write_report(path, estimator=imputer, X=AIR, source="air.csv")
    page = path.read_text(encoding="utf-8")
    assert "44 cells filled in, 3 times" in page
    assert "on 14 degrees of freedom" in page
    assert "EMImputer(" in page
    whole = np.nan_to_num(AIR)
    write_report(path, estimator=EMImputer().fit(whole), X=whole, source="air.csv")
    assert "cells filled in" not in path.read_text(encoding="utf-8")


def test_states_that_last_by_laws_of_their_own_last_as_long_as_these_say():
    model = _chain(HiddenSemiMarkov("gaussian", 2, durations="poisson"))
    states = next(table for table in model.summary().tables if table.title == "States")
    for row, mean in zip(states.rows, model.mean_durations_, strict=True):
        assert float(row[2]) == pytest.approx(mean, abs=0.006)


def test_what_only_sequences_know_is_refused_for_others(tmp_path):
    fitted = SelfConsistent().fit(TIMES)
    with pytest.raises(TypeError, match="got id for SelfConsistent"):
        write_report(tmp_path / "r.html", estimator=fitted, X=TIMES, source="t", id="who")


def test_a_sweep_that_chose_no_number_of_states_does_not_say_so(tmp_path):
    grid = {"order": [1, 2]}
    model = MarkovAutoregression(2, n_init=1, random_state=0)
    swept = select(model, RT, grid, lengths=STEPS.lengths)
    best = swept.best_estimator
    path = tmp_path / "r.html"
    write_report(path, estimator=best, X=RT, source="t", selection=swept, steps=STEPS)
    page = path.read_text(encoding="utf-8")
    assert "How the model was chosen" in page
    assert "How the number of" not in page
