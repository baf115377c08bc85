"""Numbers, number words and units as people and models write them: one reading, for scoring and for sameness."""
