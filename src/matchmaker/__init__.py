"""Matches an enterprise's need to standardised offerings of a pool, with the reasons."""
