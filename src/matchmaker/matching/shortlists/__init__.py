"""Shortlists of what match runs showed."""
