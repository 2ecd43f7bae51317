"""The supply card of an organisation, as the organisation itself writes it."""
