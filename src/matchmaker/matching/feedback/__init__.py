"""What became of what matches showed: what firms did with it, and how experts judge it."""
