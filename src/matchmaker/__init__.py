"""Matches an enterprise's need to standardised offerings of a pool, with the reasons."""

from __future__ import annotations

import gc

# Nearly all that a process makes at first is there to stay, modules and tables: looking through it
# for what could go, after each 700 new things, took a tenth of every start.
gc.set_threshold(50_000, 20, 20)
