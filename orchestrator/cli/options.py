"""Options several commands share, with the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

InventoryOption = Annotated[
    Path,
    typer.Option(
        "-i", "--inventory", help="Folder with hosts.yml and organization.yml.", show_default=False
    ),
]
OptionalInventory = Annotated[
    Path | None,
    typer.Option("-i", "--inventory", help="Folder with hosts.yml and organization.yml."),
]
ExtraVars = Annotated[
    list[str] | None,
    typer.Option(
        "-e",
        "--extra-vars",
        help="Passed to Ansible as it is, e.g. @FILE. Never a secret: it stands in the artifacts.",
    ),
]
VaultPasswordFile = Annotated[
    Path | None,
    typer.Option("--vault-password-file", help="Passed to Ansible."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="RULE", help="Take the risk of an unknown verdict, by name."),
]
Strict = Annotated[
    list[str] | None,
    typer.Option("--strict", metavar="RULE", help="Treat a rule as broken, by name."),
]
Goals = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="BUILD", help='Goal, e.g. "2010 SP2 RU2"; one per product line.'),
]
