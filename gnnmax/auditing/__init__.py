"""The audit: compare the invariances of a scorer with those of the label."""
