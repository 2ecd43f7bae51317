"""The pure ranking library: index, screen, features, tables, slate; no database, no HTTP."""
