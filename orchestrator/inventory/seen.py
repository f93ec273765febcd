"""What this farm has shown of the rules: findings.yml beside organization.yml.

Written by a run whose pilot failed, read by every later plan and diagnosis. People may read it,
and take an entry out when its cause was shown to be another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.diagnostic import Place
from orchestrator.errors import OrchestratorError
from orchestrator.inventory import yaml_text
from orchestrator.inventory.findings import Findings

FILE = "findings.yml"
_HEAD = """\
# What this farm has shown; written by orchestrator. Every plan and diagnosis takes these rules as
# broken. Remove an entry only when it was shown that something else was the cause.
"""


@dataclass(frozen=True)
class Seen:
    """A rule that was seen broken on this farm.

    Parameters
    ----------
    rule : str
    on : str
        When, ISO 8601.
    event : int
        Event id, 0 for none.
    said : str
        In the words of the step that saw it.
    plan, step : str
        Digest of the plan and the step in it.
    journal : str
        Link of the journal entry that tells of it.
    """

    rule: str
    on: str
    event: int
    said: str
    plan: str
    step: str
    journal: str

    def __str__(self) -> str:
        event = f", event {self.event}" if self.event else ""
        return (
            f"seen on this farm on {self.on[:10]}{event} (step {self.step} of plan "
            f"{self.plan[:19]}, journal {self.journal[:12]})"
        )


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rule: str = Field(min_length=1)
    seen: str = Field(min_length=10)
    event: int = Field(0, ge=0)
    said: str = ""
    plan: str = ""
    step: str = ""
    journal: str = ""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    disproved: list[_Entry] = Field(default_factory=list)


def read(folder: Path, findings: Findings) -> Mapping[str, Seen]:
    """The disproved rules by id, the latest of each; none if there is no file."""
    file = folder / FILE
    if not file.is_file():
        return {}
    faults = Findings()
    text = yaml_text.read_text(file, str(file), faults)
    read = None if text is None else yaml_text.parse(text, str(file), faults)
    document = _Document()
    try:
        document = _Document.model_validate((read.value if read else None) or {})
    except ValidationError as error:
        place = read.place(*error.errors()[0]["loc"]) if read else Place(str(file))
        faults.error("CAS-E219", FILE, _one_line(error), place)
    for fault in faults.errors:
        findings.error(
            "CAS-E219",
            FILE,
            f"cannot be read: {fault.subject + ' ' if fault.code == 'CAS-E007' else ''}"
            f"{fault.message}",
            fault.place,
            "put it right, or move it away: then nothing is known of what this farm has shown",
        )
    if faults.errors:
        return {}
    return {
        entry.rule: Seen(
            rule=entry.rule, on=entry.seen, **entry.model_dump(exclude={"rule", "seen"})
        )
        for entry in sorted(document.disproved, key=lambda entry: entry.seen)
    }


def keep(folder: Path, new: Sequence[Seen]) -> Path:
    """Add to the file; the whole of it is replaced in one step.

    Raises
    ------
    OrchestratorError
        If it cannot be read or written.
    """
    file = folder / FILE
    findings = Findings()
    known = {**read(folder, findings), **{seen.rule: seen for seen in new}}
    if findings.errors:
        raise OrchestratorError(str(findings.errors[0]))
    entries = []
    for seen in known.values():
        # Servers say what they like; what nobody could read again is not kept.
        values = {
            name: yaml_text.UNPRINTABLE.sub("?", value) if isinstance(value, str) else value
            for name, value in asdict(seen).items()
        }
        entries.append({"rule": values.pop("rule"), "seen": values.pop("on"), **values})
    text = _HEAD + yaml.safe_dump({"disproved": entries}, sort_keys=False, allow_unicode=True)
    passing = file.with_suffix(".new")
    try:
        passing.write_text(text, encoding="utf-8")
        passing.replace(file)
    except OSError as error:
        raise OrchestratorError(f"cannot write {file}: {error.strerror}") from error
    return file


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else "it is not a mapping"
