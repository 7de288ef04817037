"""Optional dependencies: import them when needed, or say in one sentence how to get them."""

from importlib import import_module
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra installs it.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        The extra of latentia that installs it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        The module's package is not installed.

    Examples
    --------
    >>> from latentia.extras import require
    >>> require("json", extra="io").dumps([1])
    '[1]'
    >>> require("no_such_module", extra="io")
    Traceback (most recent call last):
    ImportError: this needs no_such_module, which is not installed: run pip install 'latentia[io]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there and is itself missing something
        raise ImportError(
            f"this needs {package}, which is not installed: run pip install 'latentia[{extra}]'",
            name=package,
        ) from None
