"""People who log in with somebody else's word for who they are: OpenID Connect."""
