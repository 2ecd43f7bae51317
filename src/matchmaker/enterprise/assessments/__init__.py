"""Assessments: where a firm stands under a scheme, at one checkpoint, by whom it was found."""
