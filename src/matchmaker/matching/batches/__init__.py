"""Batches: the single match of every firm of a cohort, and one allocation where places are few."""
