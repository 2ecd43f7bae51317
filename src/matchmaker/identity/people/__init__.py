"""Members of an organisation, and what it consents to."""
