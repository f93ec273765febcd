"""The command line: each command a thin call; only here are the rooms wired together."""
