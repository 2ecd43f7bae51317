"""The obvious build: FastAPI, Postgres full-text search and filters, LightGBM on what they find."""
