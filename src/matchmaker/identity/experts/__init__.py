"""Expert cards: what members say of themselves as experts, for those who look for some."""
