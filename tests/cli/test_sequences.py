"""What follows Ctrl-C in a fit of sequences: the best so far, and nothing that takes long."""

import numpy as np
import pytest

from latentia import EM, HiddenMarkov, MarkovAutoregression, datasets
from latentia.cli.fitting import Outcome
from latentia.cli.sequences import swept, with_errors
from latentia.engine import NotConvergedWarning


class Interrupted:
    """Ctrl-C in the second of all fits."""

    fits = 0

    def on_start(self, plan):
        type(self).fits += 1

    def on_step(self, step):
        if self.fits == 2:
            raise KeyboardInterrupt

    def on_end(self, fit):
        pass


def test_interrupt_keeps_the_best_so_far(capsys):
    counts = datasets.load("earthquakes").values[:, 1:]
    told = {"criterion": "bic", "lengths": np.array([107])}
    watched = HiddenMarkov("poisson", random_state=0, em=EM(callbacks=[Interrupted()]))
    Interrupted.fits = 0
    found, interrupted = swept(watched, counts, {"n_states": [1, 2, 3]}, True, told)
    assert interrupted
    assert found.best_settings == {"n_states": 1}
    assert "interrupted after 1 of 3 candidates; fitting the best again" in capsys.readouterr().err
    Interrupted.fits = 1  # nothing was done before
    with pytest.raises(KeyboardInterrupt):
        swept(watched, counts, {"n_states": [1, 2]}, True, told)
    Interrupted.fits = 1  # a single candidate is kept as far as it came
    with pytest.warns(NotConvergedWarning):
        found, interrupted = swept(watched, counts, {"n_states": [2]}, True, told)
    assert interrupted
    assert np.isfinite(found.best_estimator.loglik_)


def test_no_standard_errors_follow_an_interrupt(capsys, monkeypatch):
    counts = datasets.load("earthquakes").values[:, 1:]
    model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    whole = with_errors(Outcome(model, None, False), True, True)
    assert whole.standard_errors
    assert not whole.interrupted
    cut = with_errors(Outcome(model, None, True), True, True)
    assert not cut.standard_errors
    assert "standard errors are left out after the interrupt" in capsys.readouterr().err

    def pressed(self, **asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(HiddenMarkov, "standard_errors", pressed)
    late = with_errors(Outcome(model, None, False), True, True)
    assert late.interrupted
    assert not late.standard_errors
    assert "interrupted while computing standard errors" in capsys.readouterr().err


def test_an_interrupted_autoregression_is_written_without_errors(run, tmp_path, monkeypatch):
    fit = MarkovAutoregression.fit

    def interrupted(self, *args, **told):
        self.em = EM(callbacks=[Interrupted()], tol=self.tol)
        return fit(self, *args, **told)

    monkeypatch.setattr(MarkovAutoregression, "fit", interrupted)
    Interrupted.fits = 1
    made = run(
        "fit", "markov-autoregression", "gnp", "--columns", "growth", "--save", "m.safetensors"
    )
    assert made.status == 130
    assert "interrupted before the end; the best so far was written" in made.err
    assert "standard errors are left out" in made.err
    assert "std. error" not in made.out
    assert (tmp_path / "m.safetensors").exists()
