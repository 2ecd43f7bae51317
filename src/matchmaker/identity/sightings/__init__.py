"""Who saw what a firm stated: told to the firm, on one page."""
