"""A process is killed while it writes to the spool, again and again: what it said was kept is there whole, and nothing else counts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from hub.intake.spool import Spool
from hub.model.sealed import Sealed

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from hub.intake.spool import Spool
from hub.model.ids import AccountId
from hub.model.message import RawRequest
from hub.model.sealed import Sealed

spool, number = Spool(Path(sys.argv[1]), Sealed(b"k" * 32)), 0
while True:
    body, now = (f"{number} " * 5000).encode(), datetime.now(UTC)
    request = RawRequest(method="POST", path_and_query="/", headers={}, body=body, received_at=now)
    kept = spool.put(AccountId("wechat"), request)
    print(kept, number, flush=True)
    number += 1
"""


def test_what_was_said_to_be_kept_is_whole_after_any_kill(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", Sealed(b"k" * 32))
    kept: dict[str, str] = {}
    for pause in (0.01, 0.033, 0.057):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "spool")], stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        first = writer.stdout.readline().split()
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=10)
        lines = [first, *(line.split() for line in rest.splitlines())]
        kept |= {line[0]: line[1] for line in lines if len(line) == 2}
    names = spool.names()
    assert set(kept) <= set(names)
    assert len(names) <= len(kept) + 3  # at most one a kill was kept and not told
    for name in names:
        body = spool.read(name).request.body
        assert name not in kept or body == (f"{kept[name]} " * 5000).encode()
