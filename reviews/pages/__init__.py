"""The page of a review, and the panel of reviews in the release cockpit."""
