"""The detached lab: `python -m orchestrator.lab.daemon --farm FILE --state FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from orchestrator.lab.errors import LabError
from orchestrator.lab.farm import load
from orchestrator.lab.service import LabService
from orchestrator.lab.store import Store

# Run as `__main__`, this module still logs under the lab's name.
log = logging.getLogger("orchestrator.lab.daemon")


async def _serve(farm_file: Path, folder: Path) -> None:
    farm, store = load(farm_file), Store(folder)
    last = store.last_run()
    store.prepare(fresh=False)
    service = LabService(farm, store)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        try:
            # Clients that hold connection.yml go on after a restart if the port is the same.
            await service.start(last.port if last else 0)
        except LabError:
            await service.start(0)
        log.info("listening on 127.0.0.1:%d", service.network.port)
        await stopping.wait()
    finally:
        await service.stop()


def main() -> int:
    """Run until a signal ends it; the exit code is 1 when it could not start."""
    parser = argparse.ArgumentParser(description="Simulated Exchange farm")
    parser.add_argument("--farm", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("orchestrator.lab").setLevel(logging.INFO)
    try:
        asyncio.run(_serve(arguments.farm, arguments.state))
    except LabError as error:
        print(error, file=sys.stderr)  # noqa: T201 - `lab up` shows this line
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
