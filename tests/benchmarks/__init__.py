"""Generated organisations and the figures measured on them."""
