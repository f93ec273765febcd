"""IIS W3C logs of any size: who proxied Outlook Web App to whom, and when."""
