"""What an offering declared over time, and all that a provider has, over HTTP."""
