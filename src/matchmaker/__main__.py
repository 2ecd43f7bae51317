"""``python -m matchmaker`` is the ``matchmaker`` command."""

from __future__ import annotations

from matchmaker.cli import main

if __name__ == "__main__":
    main()
