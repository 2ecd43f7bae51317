"""Joint needs: whom the owner asks to share one, and who joins."""
