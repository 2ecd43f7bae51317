"""The match from the other side: needs that fit an offering."""
