"""Components: the technology bill of an offering, and the systems an enterprise runs."""
