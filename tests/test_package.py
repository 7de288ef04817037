import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest

import latentia


def test_version_is_the_installed_one():
    assert latentia.__version__ == version("latentia")


@pytest.mark.parametrize("name", latentia.__all__)
def test_every_public_name_is_there(name):
    assert name in dir(latentia)
    assert getattr(latentia, name) is not None


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        latentia.Nothing  # noqa: B018


def test_import_loads_nothing_heavy():
    code = "import sys, latentia; print({'numpy', 'scipy', 'sklearn', 'optree'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_no_public_name_is_hidden_by_a_module_of_that_name():
    # Importing latentia.x binds the name x to the module, whatever it was before.
    modules = {module.name for module in pkgutil.iter_modules(latentia.__path__)}
    assert modules & set(latentia.__all__) == {"datasets"}


def test_an_estimator_loads_no_more_than_a_fit_needs():
    late = {"sklearn.cluster", "sklearn.metrics", "numba", "latentia.engine.check"}
    code = f"import sys; from latentia import GaussianMixture; print({late} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
