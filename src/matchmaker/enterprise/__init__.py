"""The SMEs: who they are and where they stand."""
