"""Runs plans step by step, reads the farm, and knows what it does not know."""
