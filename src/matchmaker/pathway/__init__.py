"""The way from where a firm stands to where it wants to be: position, entry points, the plan."""
