"""What Exchange's own cmdlets say of an organisation, exported to files."""
