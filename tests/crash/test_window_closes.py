"""A maintenance window that closes in the middle: real clock, real Ansible, the lab."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.journal.steps import StepStatus

from .scene import Scene

REDIRECT, LISBON = "enable-redirection-madrid-2010-owa", "upgrade-lisbon-2007-1"
URL = "https://mail-madrid.contoso.example/owa"


def test_what_does_not_fit_waits_and_the_redirection_that_stays_on_is_named(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    # What fits with its verification and its reserve is done; half an hour for Lisbon is not left.
    spans = [
        (now - timedelta(minutes=5), now + timedelta(minutes=28)),
        (now + timedelta(hours=2), now + timedelta(hours=6)),
    ]
    windows = tmp_path / "windows.yml"
    entries = "".join(
        f'  - {{start: "{start:%Y-%m-%d %H:%M}", end: "{end:%Y-%m-%d %H:%M}"}}\n'
        for start, end in spans
    )
    first = f"{now - timedelta(days=1):%Y-%m-%d}"
    windows.write_text(f"version: 1\nzone: UTC\nfrom: {first}\nwindows:\n{entries}")
    with Scene(tmp_path) as scene:
        ended = scene.apply("--windows", str(windows))
        assert ended.code == 5, ended.text
        assert "Paused: nothing that is left fits before the end of the window" in ended.text
        assert re.search(rf"{LISBON}: it needs 30 minutes, the window has 2\d left", ended.text)
        opens = f"{spans[1][0]:%Y-%m-%d %H:%M} UTC"
        assert f"Go on with this plan from {opens}: orchestrator resume" in ended.text
        assert f"Redirections that are on and were not before:\n  mad-cas-01: {URL}" in ended.text
        run = scene.run_view()
        assert run.status(REDIRECT) is StepStatus.VERIFIED
        assert run.status(LISBON) is StepStatus.PENDING
        farm = scene.picture()
        assert farm["mad-cas-01"][2] == URL

        early = scene.resume("--windows", str(windows))
        assert early.code == 5, early.text
        assert scene.picture() == farm
        assert scene.installs("lis-cas-71") == 0
        # Begun inside windows, it does not go on without any.
        without = scene.resume()
        assert without.code == 1
        assert "this run was begun inside the windows of" in without.text
