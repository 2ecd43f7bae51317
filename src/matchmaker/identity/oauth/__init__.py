"""Machines that fetch short tokens with a key of theirs: OAuth 2, client credentials."""
