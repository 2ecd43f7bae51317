"""Requests to others' servers: to an address that was checked, and to no other."""
