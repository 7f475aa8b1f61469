"""Proof of the guarantees under crashes: kill everything, at every point, and check the history afterwards."""
