"""Checkpoints: a fit killed at any moment ends to the bit as one that was not."""

import json
import os
import pickle
import subprocess
import sys
import warnings
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pytest

from latentia import GaussianMixture, datasets
from latentia.data.arrays import Rows
from latentia.engine import EM, NotConvergedWarning, Status
from latentia.engine.accelerate import ACCELERATORS
from latentia.engine.checkpoint import CheckpointError
from latentia.engine.identity import plain
from latentia.engine.tree import leaves

from .models import DEATHS, WAITS, ScatteredStarts, TwoNormals, TwoPoissons

ROOT = Path(__file__).parents[2]
KINDS = {
    "one start": {"tol": 1e-8},
    "several starts": {"tol": 1e-8, "starts": 4},
    "a race": {"tol": 1e-8, "starts": 8, "race": True},
    "short runs": {"tol": 1e-8, "starts": 5, "short_runs": 3},
    **{name: {"tol": 1e-8, "starts": 2, "accelerate": name} for name in ACCELERATORS},
}

# A process that forks, so that modules are imported once, and kills its children at random
# moments. Every E-step takes a while, so that most of the kills hit.
SCRIPT = """
import json, os, random, signal, sys, time, warnings
from latentia.engine import EM
from tests.engine.models import DEATHS, ScatteredStarts

class Slow:
    def on_start(self, plan):
        os.write(out, b"x")
    def on_step(self, step):
        time.sleep(0.001)
    def on_end(self, fit):
        pass

kinds, folder = json.loads(sys.argv[1]), sys.argv[2]
warnings.simplefilter("ignore")
hits = {{}}
for kind, settings in kinds.items():
    hits[kind] = 0
    for _ in range({kills}):
        into, out = os.pipe()
        child = os.fork()
        if not child:
            em = EM(
                checkpoint=f"{{folder}}/{{kind}}", every=0, callbacks=[Slow()], max_iter=400,
                **settings
            )
            em.fit(ScatteredStarts(), DEATHS, 3)
            os._exit(0)
        os.read(into, 1)
        time.sleep(random.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        hits[kind] += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        os.close(into), os.close(out)
print(json.dumps(hits))
"""
KILLS = 4


def bits(fit):
    """Everything that a fit tells, byte by byte."""
    told = [fit.status.name, fit.best, repr(fit.certificate)]
    for climb in fit.climbs:
        told += [climb.status.name, climb.detail, climb.n_refused, climb.looked_around]
        told += [np.asarray(leaf).tobytes() for leaf in leaves(climb.params)]
        told += [np.asarray(leaf).tobytes() for leaf in leaves(climb.suff)]
        told += [np.asarray(leaf).tobytes() for leaf in leaves(climb.trace)]
        told += [np.asarray(leaf).tobytes() for leaf in leaves(climb.state)]
        told += [climb.objective.hex(), climb.remaining_gain, climb.em_rate, climb.rounding]
    return [repr(each) for each in told]


def fitted(settings, path=None, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        em = EM(max_iter=400, checkpoint=path, **settings, **more)
        return em.fit(ScatteredStarts(), DEATHS, 3)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder of checkpoints of fits that were killed, and how many kills hit each."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(kills=KILLS), json.dumps(KINDS), str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return folder, json.loads(done.stdout)


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@forks
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_fit_goes_on_to_the_same_bits(kind, killed):
    folder, _ = killed
    assert bits(fitted(KINDS[kind], folder / kind)) == bits(fitted(KINDS[kind]))


@forks
def test_most_kills_hit(killed):
    assert sum(killed[1].values()) >= 20


class Stop:
    """A user who presses Ctrl-C after some E-steps of all starts."""

    def __init__(self, after):
        self.left = after

    def on_start(self, plan):
        pass

    def on_step(self, step):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def on_end(self, fit):
        pass


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_at_every_few_steps_changes_nothing(kind, tmp_path):
    whole = fitted(KINDS[kind])
    for after in (1, 7):
        path = tmp_path / f"{after}.safetensors"
        for _ in range(1000):
            fit = fitted(KINDS[kind], path, callbacks=[Stop(after + 40)])
            if fit.status is not Status.INTERRUPTED:
                break
        assert bits(fit) == bits(whole)


def test_a_checkpoint_changes_no_bit_and_answers_once_finished(tmp_path):
    path = tmp_path / "fit.safetensors"
    settings = {"starts": 3}
    first = fitted(settings, path)
    assert bits(first) == bits(fitted(settings))
    stop = Stop(1)  # would interrupt the first E-step
    assert bits(fitted(settings, path, callbacks=[stop])) == bits(first)
    assert stop.left == 1
    assert not list(tmp_path.glob(".*"))


def test_without_a_seed_the_checkpoint_knows_it(tmp_path):
    em = EM(starts=3, checkpoint=tmp_path / "fit.safetensors")
    first = em.fit(ScatteredStarts(), DEATHS)
    assert bits(em.fit(ScatteredStarts(), DEATHS)) == bits(first)


def test_fits_with_workers_and_serial_ones_share_checkpoints(tmp_path):
    path = tmp_path / "fit.safetensors"
    first = fitted({"starts": 3}, path, workers=1)
    assert bits(fitted({"starts": 3}, path, workers=2)) == bits(first)


@pytest.mark.parametrize(
    ("model", "data", "rng", "changed", "what"),
    [
        (ScatteredStarts(), DEATHS, 3, {"tol": 1e-6}, "settings"),
        (ScatteredStarts(), DEATHS, 3, {"starts": 4}, "settings"),
        (ScatteredStarts(), DEATHS, 3, {"accelerate": "none"}, "settings"),
        (ScatteredStarts(), DEATHS, 3, {"race": True}, "settings"),
        (ScatteredStarts(), DEATHS, 4, {}, "seeds"),
        (TwoPoissons(), DEATHS, 3, {}, "models"),
        (ScatteredStarts(), DEATHS.take(np.arange(9)), 3, {}, "borders of chunks"),
        (
            ScatteredStarts(),
            Rows.of(DEATHS.x, DEATHS.weights + np.eye(10)[4] * 1e-9),
            3,
            {},
            "data",
        ),
    ],
)
def test_the_checkpoint_of_another_fit_is_refused(model, data, rng, changed, what, tmp_path):
    path = tmp_path / "fit.safetensors"
    EM(starts=3, checkpoint=path).fit(ScatteredStarts(), DEATHS, 3)
    before = path.read_bytes()
    settings = {"starts": 3, "checkpoint": path, **changed}
    with pytest.raises(CheckpointError, match=f"checkpoint of a fit with other {what}"):
        EM(**settings).fit(model, data, rng)
    assert path.read_bytes() == before


def test_other_starting_parameters_are_refused(tmp_path):
    em = EM(checkpoint=tmp_path / "fit.safetensors")
    start = TwoPoissons().start(DEATHS, None)
    em.fit(TwoPoissons(), DEATHS, 0, start=start)
    with pytest.raises(CheckpointError, match="other starting parameters"):
        em.fit(TwoPoissons(), DEATHS, 0, start=start._replace(rates=np.array([1.0, 2.0])))


def test_a_changed_m_step_is_seen(tmp_path, monkeypatch):
    path = tmp_path / "fit.safetensors"
    EM(checkpoint=path).fit(TwoNormals(), WAITS, 0)
    monkeypatch.setattr(TwoNormals, "m_step", lambda self, suff, params: params)
    with pytest.raises(CheckpointError, match="data or hyper-parameters"):
        EM(checkpoint=path).fit(TwoNormals(), WAITS, 0)


class Held:
    """A model's hyper-parameters of every kind."""

    def __init__(self, floor=1e-3, scale=1.0):
        self.floor, self.names, self.scale = floor, {"b": 1, "a": {2, 3}}, np.full(3, scale)
        self.function, self.part, self.itself = np.linalg.norm, partial(max, 1), self
        self.kind, self.mixed = Status.CONVERGED, np.array([1, "a", None], dtype=object)

    @cached_property
    def computed(self):
        return self.floor * 2


class Damped(ScatteredStarts):
    """Hyper-parameters that the first EM step does not show."""

    def __init__(self, held):
        self.held = held


@pytest.mark.parametrize("changed", [{"floor": 3e-2}, {"scale": 2.0}])
def test_other_hyper_parameters_are_refused_by_name(changed, tmp_path):
    em = EM(checkpoint=tmp_path / "fit.safetensors")
    first = em.fit(Damped(Held()), DEATHS, 3)
    assert bits(em.fit(Damped(Held()), DEATHS, 3)) == bits(first)
    name = next(iter(changed))
    with pytest.raises(CheckpointError, match=rf"hyper-parameters, with held\.{name}="):
        em.fit(Damped(Held(**changed)), DEATHS, 3)


@pytest.mark.filterwarnings("ignore::latentia.mixture.errors.DataWarning")
def test_a_floor_that_no_first_step_feels_is_a_hyper_parameter(tmp_path):
    em = EM(checkpoint=tmp_path / "fit.safetensors")
    X = datasets.load("galaxies").values
    settings = {"init_params": "random_from_data", "random_state": 1, "em": em}
    first = GaussianMixture(5, reg_covar=1e-4, **settings).fit(X)
    again = GaussianMixture(5, reg_covar=1e-4, **settings).fit(X)
    assert again.loglik_ == first.loglik_
    with pytest.raises(CheckpointError, match=r"0\.0001 there, 0\.03 here"):
        GaussianMixture(5, reg_covar=0.03, **settings).fit(X)


def test_hyper_parameters_read_the_same_in_another_process():
    held = Held()
    before = plain(held)
    assert held.computed
    assert plain(held) == before
    script = (
        "import json; from tests.engine.test_checkpoint import Held, plain; "
        "print(json.dumps(plain(Held()), sort_keys=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == json.dumps(before, sort_keys=True)


class Drawing(ScatteredStarts):
    stochastic = True


def test_a_stochastic_model_knows_its_data(tmp_path):
    em = EM(checkpoint=tmp_path / "fit.safetensors")
    first = em.fit(Drawing(), DEATHS, 3)
    assert bits(em.fit(Drawing(), DEATHS.take(np.arange(10)), 3)) == bits(first)
    with pytest.raises(CheckpointError, match="of a fit with other data; make"):
        em.fit(Drawing(), Rows.of(DEATHS.x, DEATHS.weights[::-1]), 3)


def test_a_large_array_is_sampled_evenly():
    x = np.arange(1000.0)
    assert plain(x, 80) == plain(x.copy(), 80)
    assert plain(x, 80) != plain(np.append(x[:-1], 0.0), 80)
    assert plain(x, 80) != plain(x[:-1], 80)


def test_a_refusal_names_only_what_differs(tmp_path):
    path = tmp_path / "fit.safetensors"
    EM(starts=3, checkpoint=path).fit(ScatteredStarts(), DEATHS, 3)
    with pytest.raises(CheckpointError, match="settings, with tol=1e-05 there, 1e-07 here; make"):
        EM(starts=3, tol=1e-7, checkpoint=path).fit(ScatteredStarts(), DEATHS, 3)
    with pytest.raises(CheckpointError, match=r"seeds, with entropy=.*give random_state a number"):
        EM(starts=3, checkpoint=path).fit(ScatteredStarts(), DEATHS, 4)


def test_any_flipped_byte_and_any_cut_is_refused(tmp_path):
    path = tmp_path / "fit.safetensors"
    fitted({}, path)
    payload = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in (*range(12), *rng.integers(len(payload), size=150), len(payload) - 1):
        broken = bytearray(payload)
        broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match="damaged"):
            fitted({}, path)
    for length in (0, 1, 8, 100, len(payload) - 1):
        path.write_bytes(payload[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            fitted({}, path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match="no checkpoint"):
        fitted({}, path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError, match="cannot be read"):
        fitted({}, path)


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*; make the folder"):
        fitted({}, tmp_path / "nowhere" / "fit.safetensors")


def test_the_layout_of_arrays_is_kept(tmp_path):
    from latentia.engine.treefile import flattened as _leaves
    from latentia.engine.treefile import put_together as _put_together

    value = (np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1), np.float64(1.5), 3, None, True)
    back = _put_together(value, *_leaves(value))
    np.testing.assert_array_equal(back[0], value[0])
    assert back[0].strides == value[0].strides
    assert [type(each) for each in back] == [type(each) for each in value]
