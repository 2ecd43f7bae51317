"""Admissions: offerings that apply to pools, what the rules answer, and what was decided."""
