"""Guides: which scenes firms of some industries and region should take up, and in which order."""
