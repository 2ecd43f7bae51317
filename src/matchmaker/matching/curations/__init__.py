"""Curations: what an agency or the operator adds, pins, leaves out and asks for, as versions."""
