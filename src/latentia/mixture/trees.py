"""Trees of merges that are kept for a while: fits of one sample share them."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np

from latentia.data.arrays import Rows

from .agglomerate import Criterion, Merges, agglomerate

KEPT = 4
"""Trees that are kept, those used last."""

FINEST = 64
"""Clusters of the finest partition that a kept tree has, at least."""

_trees: OrderedDict[bytes, Merges] = OrderedDict()  # a cache: what it holds follows from the key
_lock = threading.Lock()


def tree(sample: Rows, n_clusters: int, criterion: Criterion) -> Merges:
    """The tree of a sample by a criterion, down to so many clusters or more.

    A sweep over numbers of components and covariances starts all its fits from it.
    """
    digest = hashlib.blake2b(f"{sample.x.shape} {sample.x.dtype} {criterion}".encode())
    for each in (sample.x, sample.weights):
        digest.update(np.ascontiguousarray(each).tobytes())
    key = digest.digest()
    with _lock:
        known = _trees.get(key)
        if known is not None:
            _trees.move_to_end(key)
    if known is not None and (len(known.sizes) >= n_clusters or len(known.sizes) < FINEST):
        return known
    made = agglomerate(sample.x, sample.weights, max(n_clusters, FINEST), criterion)
    with _lock:
        _trees[key] = made
        while len(_trees) > KEPT:
            _trees.popitem(last=False)
    return made
