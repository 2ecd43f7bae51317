"""Technical floor shared by every room; knows no slice."""
