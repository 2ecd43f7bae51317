"""Matches an enterprise's need to standardised offerings from a pool of providers, with the reasons."""
