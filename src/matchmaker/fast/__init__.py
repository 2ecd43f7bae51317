"""Compiled kernels of the passes over rows, where numba is installed: the extra ``fast``.

The one room that may import numba. Nothing of it is loaded where it is not there or is turned off.
"""
