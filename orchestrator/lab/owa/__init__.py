"""OWA: the pages users see, and the way from a server to a mailbox on another."""
