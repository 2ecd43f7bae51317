"""Learning from what became of matches, offline: data, training, the gate."""
