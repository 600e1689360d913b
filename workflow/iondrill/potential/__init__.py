"""A potential from the user's own reference level: explore, cut, select, label, fit, judge."""
