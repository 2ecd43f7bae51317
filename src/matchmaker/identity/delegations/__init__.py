"""That an adviser acts in the name of an organisation, within a scope and until an end."""
