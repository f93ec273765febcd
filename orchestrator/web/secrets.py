"""Keeps secrets out of what a page shows.

The page shows chosen fields only, and never a module's arguments. What a host or Ansible says as
free text goes through here besides, as such a text may quote an address or a header.
"""

from __future__ import annotations

import re

HIDDEN = "•••"

_KEY = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|credential|cookie|authorization)"

_PATTERNS = (
    # user:password@host in an address
    (re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"), HIDDEN),
    # a whole header
    (re.compile(r"(?im)^(\s*(?:set-cookie|cookie|authorization|x-csrf-token)\s*:\s*).+$"),
     rf"\1{HIDDEN}"),
    # Basic, Bearer, NTLM and Negotiate with their blob
    (re.compile(r"(?i)\b(basic|bearer|ntlm|negotiate)\s+[A-Za-z0-9+/_=.~-]{8,}"), rf"\1 {HIDDEN}"),
    # name=value, name: value, "name": "value", also with a prefix as in test_mailbox_password
    (re.compile(rf"""(?ix)(\b[\w-]*{_KEY}[\w-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;}}&]+)"""),
     rf"\1{HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\$ANSIBLE_VAULT;[\s\S]*"), HIDDEN),
)  # fmt: skip

_LONGEST = 600


def shown(text: str) -> str:
    """A text without what looks like a secret, and not longer than a person reads."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
