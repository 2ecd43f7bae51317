"""Pools: curated lists of agencies, and the immutable versions of what they ask."""
