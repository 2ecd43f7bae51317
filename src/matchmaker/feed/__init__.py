"""What others are told of the work done here."""
