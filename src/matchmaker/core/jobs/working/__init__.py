"""Workers: how jobs are taken, kept and done."""
