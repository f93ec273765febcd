"""The program is killed for real, at each journal entry in turn, over a window with a bracket."""
