"""The fast engine: ruin and recreate on integer arrays, compiled by numba."""
