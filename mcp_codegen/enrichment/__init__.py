"""A language model's texts for the places of a catalog, kept in `descriptions.json`; never in the way of `generate`."""
