"""What an agency may know of the firms in its jurisdiction: some by name, the others as counts."""
