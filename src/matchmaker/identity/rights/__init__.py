"""What a person may ask about themselves: to be told everything, and to be forgotten."""
