"""From paths to evidence: starts the reading process and puts together what it tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.discovery.evidence import Evidence
from orchestrator.discovery.files import InputFile, find_files
from orchestrator.discovery.iis.resolve import resolve
from orchestrator.discovery.iis.tally import FileTally, from_json
from orchestrator.errors import OrchestratorError

ENDINGS = (".log", ".log.gz")
_HOME = str(Path(__file__).resolve().parents[3])

Progress = Callable[[int, int], object]
"""Called with bytes read and bytes in all."""


def read_iis_logs(
    paths: Sequence[Path],
    names: Mapping[str, str] | None = None,
    on_progress: Progress = lambda _done, _total: None,
) -> Evidence:
    """What IIS logs show of proxying between Client Access servers.

    Parameters
    ----------
    paths : sequence of Path
        Logs, packed by gzip or not, and folders of them.
    names : mapping of str to str
        Host names by IP address, where they are known otherwise.
    on_progress : callable

    Raises
    ------
    InvalidInput
        If a path leads to no log at all.
    OrchestratorError
        If the reading process ends early.
    """
    files, warnings = find_files(paths, ENDINGS, "--iis-logs")
    tallies = list(_tallies(files, on_progress))
    evidence = resolve(list(zip(files, tallies, strict=True)), names or {})
    return Evidence(findings=tuple(warnings)) + evidence


def _tallies(files: Sequence[InputFile], on_progress: Progress) -> Iterator[FileTally]:
    before = [sum(file.size for file in files[:number]) for number in range(len(files) + 1)]
    with _reader() as child:
        told = child.communicate_lines(json.dumps([str(file.path) for file in files]))
        for kind, number, what in map(json.loads, told):
            if kind == "at":
                on_progress(before[number] + what, before[-1])
            else:
                on_progress(before[number + 1], before[-1])
                yield from_json(what)


class _Child:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def communicate_lines(self, text: str) -> Iterator[str]:
        """Give it all of its input, then its lines as they come."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise AssertionError("started with pipes")
        with process.stdin as given:
            given.write(text)
        yield from process.stdout
        if process.wait():
            raise OrchestratorError(
                f"the process that reads the logs ended with code {process.returncode}",
                "look at the lines above; give the logs in smaller parts",
            )


@contextmanager
def _reader() -> Iterator[_Child]:
    # -P and a path of our own: a folder named orchestrator where the user stands is not us
    command = [sys.executable, "-P", "-m", "orchestrator.discovery.iis"]
    here = [_HOME, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    with subprocess.Popen(  # noqa: S603  # our own module, no word of the user's
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, here))},
    ) as process:
        try:
            yield _Child(process)
        finally:
            if process.poll() is None:
                process.terminate()
