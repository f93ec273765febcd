"""Every fault of the lab at every kind of step; what the program says is held against the lab."""
