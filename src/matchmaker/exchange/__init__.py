"""Import and export: files of providers, offerings, profiles and needs, by command and by job."""
