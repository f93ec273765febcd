"""What the page can do: approve, pause, resume. Everything else is done at a terminal.

Approving and pausing are entries of the journal, by the same functions as the command line.
Resuming starts `orchestrator resume`, which reads the farm, holds it against the journal and
refuses what does not fit; the run belongs to that process and goes on if this one ends.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.execution.asking import approve_plan, ask_for_pause
from orchestrator.journal.projection import view
from orchestrator.journal.store import JOURNAL_NAME, Journal
from orchestrator.planfile import digest
from orchestrator.web.secrets import shown

VIA = "live page"
_LOG = "resume-from-page"
_LAST_LINES = 8


@dataclass
class Actions:
    """The three things.

    Parameters
    ----------
    folder : Path
    resume_options : sequence of str or None
        What `orchestrator resume DIR` is given besides; None: it cannot be resumed from here.
    """

    folder: Path
    resume_options: Sequence[str] | None
    _child: subprocess.Popen[bytes] | None = None
    _log: Path | None = None

    def approve(self, mark: str, by: str, host: str) -> None:
        """Write an approval into the journal.

        Parameters
        ----------
        mark : str
            The digest the page showed.
        by, host : str
            Who, and from where.

        Raises
        ------
        OrchestratorError
            If the folder is no longer what the page showed, or the plan was begun.
        """
        found = digest(self.folder)
        if mark != found:
            raise OrchestratorError(
                f"the page shows the digest {mark[:12]}…, but that of the folder is now "
                f"{found[:12]}…: something in it was changed",
                "load the page again and look at the plan once more",
            )
        approve_plan(self.folder, found, by, host, VIA)

    def pause(self, by: str, host: str) -> None:
        """Ask the run to stop before its next step.

        Raises
        ------
        OrchestratorError
            If none goes on.
        """
        ask_for_pause(self.folder, f"{by} ({VIA})", host)

    def resume(self) -> None:
        """Start `orchestrator resume`; what it says goes to a file in the plan folder.

        Raises
        ------
        OrchestratorError
            If the server was started without an inventory, or a resume begun here still runs.
        """
        if self.resume_options is None:
            raise OrchestratorError(
                "this page cannot resume: the server was started without an inventory",
                f"orchestrator resume {self.folder} -i INVENTORY, or serve with -i INVENTORY",
            )
        if self._child is not None and self._child.poll() is None:
            raise OrchestratorError("a resume that was begun on this page still runs")
        self._log = self.folder / f"{_LOG}.log"
        command = [
            *(sys.executable, "-P", "-m", "orchestrator", "resume", str(self.folder)),
            *self.resume_options,
            *self._windows(),
        ]
        with self._log.open("wb") as output:
            # a session of its own: ending this server must not end a run in the middle of a step
            self._child = subprocess.Popen(  # noqa: S603 - our own program, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _windows(self) -> list[str]:
        """The windows file the part before kept to: resuming in other ones is refused."""
        with Journal.read(self.folder / JOURNAL_NAME) as journal:
            windows = view(journal.entries()).windows
        return ["--windows", windows] if Path(windows).is_file() else []

    def refusal(self) -> str:
        """Why a resume begun here ended without success; empty while it runs or if it did not."""
        if self._child is None or self._child.poll() in {None, 0} or self._log is None:
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return shown("\n".join(lines[-_LAST_LINES:]))
