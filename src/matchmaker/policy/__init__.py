"""What public bodies recommend and grant: guides."""
