"""What public bodies recommend and grant: guides and programmes."""
