"""Upgrade Exchange Client Access servers without breaking a proxied path."""

__version__ = "0.1.0"
