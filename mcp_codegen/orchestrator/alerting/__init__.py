"""Alerts for those without a monitoring of their own: rules in a file, what they look at, whom they tell."""
