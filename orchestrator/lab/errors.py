"""What can go wrong for the person who uses the lab: one line, with the remedy in it."""

from __future__ import annotations


class LabError(Exception):
    """A mistake or obstacle the user can mend; its text says how."""
