"""Tells people that a run started, paused, failed or finished; never stops or delays it."""
