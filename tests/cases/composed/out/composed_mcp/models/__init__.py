"""The types of what the APIs take and answer."""
