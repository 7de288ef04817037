"""Fused E- and M-passes of Gaussian mixtures over one chunk of rows, compiled with Numba.

Every form has a `run` that returns the log-likelihood and the expected statistics of a chunk,
tile by tile, without an array of a length of rows times components. Nothing here is imported
before it is needed, since importing Numba takes a quarter of a second.
"""
