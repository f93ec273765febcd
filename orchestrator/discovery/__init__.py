"""What exists and what happens, told by hosts, exports and logs instead of by people."""
