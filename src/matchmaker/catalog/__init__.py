"""The resource pool: providers, and the standardised offerings they deliver again and again."""
