"""Programmes: instruments of public support, as versions, entered by whoever grants them."""
