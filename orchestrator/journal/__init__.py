"""The journal: what was started and what came of it."""
