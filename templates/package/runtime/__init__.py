"""What every generated package shares: nothing here depends on the catalog."""
