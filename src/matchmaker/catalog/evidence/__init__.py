"""Evidence: what a provider claims of itself and others can check."""
