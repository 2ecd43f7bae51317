"""Cohorts: firms chosen by where, what and how large they are, for a whole batch of matches."""
