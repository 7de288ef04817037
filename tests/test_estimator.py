"""What every estimator promises: the same seed and data give the same bits, however computed."""

import hashlib
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import latentia
from latentia.data import arrays
from latentia.persistence import _ESTIMATORS

from .every import EVERY, fitted

CLIMBS = [name for name, (settings, _, _) in EVERY.items() if "em" in settings]
ONE_FIT = [name for name in CLIMBS if name != "MixtureDiscriminant"]  # that is many fits
SCRIPT = "from tests.test_estimator import printed; printed()"


def bits(estimator):
    """Everything that is kept of a fit but its settings, as a digest."""
    record = estimator._to_record()
    told = [record.header[name] for name in ("status", "climbs") if name in record.header]
    digest = hashlib.sha256(repr([record.kind, told]).encode())
    for name, array in sorted(record.arrays.items()):
        digest.update(f"{name} {np.shape(array)}".encode())
        digest.update(np.asarray(array).tobytes())
    return digest.hexdigest()


def printed():
    """Print the bits of all fits; run in another process."""
    warnings.simplefilter("ignore")
    for name in EVERY:
        print(name, bits(fitted(name)))


def climbing(name, **how):
    """The estimator with this name, fitted by these settings of its climb."""

    def changed(estimator):
        return estimator.set_params(em=clone(estimator.em).set_params(**how))

    return fitted(name, changed)


class Crash(Exception):
    pass


class CrashAfter:
    """Ends a fit after so many E-steps by an error, as if its process had died."""

    def __init__(self, steps):
        self.left = steps

    def on_start(self, plan):
        pass

    def on_step(self, step):
        self.left -= 1
        if self.left == 0:
            raise Crash

    def on_end(self, fit):
        pass


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small fits are not asked to converge
        yield


def test_every_estimator_that_can_be_saved_is_here():
    assert set(EVERY) == set(_ESTIMATORS)


@pytest.mark.parametrize("name", CLIMBS)
def test_threads_change_no_bit(name, monkeypatch):
    monkeypatch.setattr(arrays, "LEAST", (16, 16))  # small data go in several chunks
    monkeypatch.setattr(arrays, "TILE", 8)
    alone = bits(climbing(name, workers=1))
    assert bits(climbing(name, workers=2)) == alone
    assert bits(climbing(name, workers=7)) == alone


@pytest.mark.parametrize("name", EVERY)
def test_copies_change_no_bit(name, tmp_path):
    once = fitted(name)
    known = bits(once)
    assert bits(fitted(name, clone)) == known
    assert bits(fitted(name, lambda estimator: pickle.loads(pickle.dumps(estimator)))) == known
    assert bits(pickle.loads(pickle.dumps(once))) == known
    once.save(tmp_path / "model")
    assert bits(latentia.load(tmp_path / "model")) == known


@pytest.mark.parametrize("name", ONE_FIT)
def test_a_crash_and_a_checkpoint_change_no_bit(name, tmp_path):
    path = tmp_path / "checkpoint"
    with pytest.raises(Crash):
        climbing(name, checkpoint=path, every=0.0, callbacks=[CrashAfter(3)])
    assert path.exists()
    assert bits(climbing(name, checkpoint=path, every=0.0)) == bits(fitted(name))


def test_another_process_makes_the_same_bits():
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(map(str.split, told.stdout.splitlines())) == {n: bits(fitted(n)) for n in EVERY}


def test_a_checkpoint_of_many_fits_is_refused(tmp_path):
    with pytest.raises(ValueError, match="for several fits, expected None"):
        climbing("MixtureDiscriminant", checkpoint=tmp_path / "checkpoint")
