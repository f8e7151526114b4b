"""The report of a batch: a page that opens anywhere, and the same for programs."""
