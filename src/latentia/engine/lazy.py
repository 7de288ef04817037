"""Names of a package that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_demand(package: dict[str, Any], home_of: Mapping[str, str]) -> Callable[[str], Any]:
    """What a package calls `__getattr__`.

    Parameters
    ----------
    package : dict
        Its ``globals()``, where a name is put once it is known, so that the next use is direct.
    home_of : mapping of str to str
        The module of each name: relative to the package where it begins with a dot.
    """

    def attribute(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        value = getattr(import_module(home_of[name], package["__name__"]), name)
        package[name] = value
        return value

    return attribute
