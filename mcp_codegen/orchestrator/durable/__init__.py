"""Runs that survive their process: the durable engine, its database, and batches over it."""
