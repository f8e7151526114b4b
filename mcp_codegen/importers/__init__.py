"""Other descriptions of APIs → the catalog language."""
