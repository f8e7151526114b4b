"""Pages for people: what runs, what ran, and what to do about it. Rendered here, kept current by server-sent events."""
