"""Event logs: the events of a proxied path that does not work, out of any export."""
