"""Learned models: kept as arrays and a manifest, let rank through a gate, taken back at once."""
