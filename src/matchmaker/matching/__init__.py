"""The product's verb: a profile and a need in, explained offerings out."""
