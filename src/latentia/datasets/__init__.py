"""Small real data to learn and to test with, each with its origin and licence.

Examples
--------
>>> from latentia import datasets
>>> "iris" in datasets.names()
True
"""

from latentia.datasets.loader import Dataset, load, names

__all__ = ["Dataset", "load", "names"]
