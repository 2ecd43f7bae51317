"""What has happened, as others may read it: the change feed, and the audit with its proof."""
