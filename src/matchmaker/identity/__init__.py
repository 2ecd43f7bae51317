"""Organisations and, later, their members, keys and consents."""
