"""A real catalogue of SME solutions, matched and judged: ``python -m tests.benchmark.psg DIR``."""
