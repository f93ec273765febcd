"""What PowerShell exports: CLIXML, CSV in any locale, JSON, as rows of names and values."""
