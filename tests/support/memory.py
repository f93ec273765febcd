"""The most memory a command of ours has held, from the start of its Python to its end.

The figure of getrusage would also count what the process held from which it was started.
"""

from __future__ import annotations

import sys

_RUN = """
import runpy, sys
module = sys.argv.pop(1)
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    lines = open("/proc/self/status").read().splitlines()
    sys.stderr.write(next(line for line in lines if line.startswith("VmHWM:")) + "\\n")
"""


def watched(module: str, *arguments: str) -> list[str]:
    """The command that runs a module and ends standard error with what `megabytes` reads."""
    return [sys.executable, "-c", _RUN, module, *arguments]


def megabytes(stderr: str) -> float:
    """What a `watched` command has held at most."""
    last = stderr.splitlines()[-1]
    return int(last.split()[1]) / 1024
