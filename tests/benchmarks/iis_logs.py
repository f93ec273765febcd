"""Reading IIS logs against ``grep -c`` over the same file: seconds and the most memory."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from support.iis_logs import arrival, head, log_on, poll
from support.memory import megabytes, watched

BYTES = 1_000_000_000
SHARE = 0.02
"""Of lines that are proxied log-ons."""
RUNS = 3


def write_log(path: Path, size: int) -> int:
    """A day of a busy target, repeated until it is large enough; returns its proxied log-ons."""
    draw = random.Random(20120220)
    lines, log_ons = [], 0
    for number in range(20_000):
        time_ = f"2012-02-20 {number * 24 // 20_000:02d}:{draw.randrange(60):02d}:00"
        if draw.random() < SHARE:
            which = draw.randrange(1, 5)
            machine = f"CONTOSO\\PAR-CAS-0{which}$"
            lines.append(log_on(time_, source=f"10.1.0.{which}", user=machine))
            log_ons += 1
        elif draw.random() < 0.01:
            lines.append(arrival(time_, user=f"CONTOSO\\user{draw.randrange(3000)}"))
        else:
            line = poll(time_)
            page = draw.choice(
                ["/owa/ev.owa", "/EWS/Exchange.asmx", "/owa/14.2.247.5/scripts/x.js"]
            )
            lines.append(line.replace("/owa/ev.owa", page).replace("anna", f"u{number}"))
    block = "".join(lines).replace("\n", "\r\n").encode()
    times = -(-size // len(block))
    with path.open("wb") as file:
        file.write(head().encode())
        for _ in range(times):
            file.write(block)
    return log_ons * times


def _spent(command: list[str], given: str = "") -> tuple[float, str, str]:
    """Wall-clock seconds, standard output and standard error of a command."""
    begin = time.monotonic()
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return time.monotonic() - begin, done.stdout, done.stderr


def measured(path: Path, runs: int = RUNS) -> dict[str, float]:
    """The best of some alternating runs of either side: the least disturbed ones.

    The whole reading process counts, from the start of Python to its end.
    """
    ours, theirs, starts, most, found = [], [], [], 0.0, -1
    for _ in range(runs):
        seconds, text, _ = _spent(["grep", "-c", "proxyLogon", str(path)])
        theirs.append(seconds)
        expected = int(text)
        command = watched("orchestrator.discovery.iis")
        starts.append(_spent(command, "[]")[0])
        seconds, text, said = _spent(command, json.dumps([str(path)]))
        ours.append(seconds)
        most = max(most, megabytes(said))
        _, _, tally = json.loads(text.splitlines()[-1])
        found = sum(pair["count"] for _, pair in tally["proxied"])
        if found != expected:
            raise ValueError(f"{found} log-ons found, {expected} lines by grep")
    return {
        "gigabytes": path.stat().st_size / 1e9,
        "log-ons": found,
        "ours": min(ours),
        "grep": min(theirs),
        "start": min(starts),
        "ratio": min(ours) / min(theirs),
        "megabytes": most,
    }


def iis_logs() -> Iterator[str]:
    """The figure, for ``make bench``."""
    yield "IIS log, 2 % proxied log-ons, whole reading process against LC_ALL=C grep -c proxyLogon"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "u_ex120220.log")
        write_log(path, BYTES)
        row = measured(path)
    yield (
        f"{row['gigabytes']:.2f} GB, {row['log-ons']:.0f} log-ons: {row['ours']:.2f} s, "
        f"grep {row['grep']:.2f} s, {row['ratio']:.1f}x, {row['megabytes']:.0f} MB at most"
    )
