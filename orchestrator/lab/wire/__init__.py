"""From TCP to PowerShell remoting: channels, HTTP, NTLM, WSMan, PSRP, payloads."""
