"""People who log in: passwords, second factors, sessions."""
