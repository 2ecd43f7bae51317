"""What the published offerings cover, code by code: typical scenarios, classes of standards."""
