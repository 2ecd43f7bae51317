"""What a provider and its reviewers do with an offering: drafts, reviews, versions, dates."""
