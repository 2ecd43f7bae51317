"""Recognitions: levels and titles that an authority granted a firm."""
