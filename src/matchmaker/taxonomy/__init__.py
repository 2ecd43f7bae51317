"""Released vocabularies, the field catalogue, rules of scale and maturity: one registry."""
