"""Files of a process that was killed, and of one that is still writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ace_cli.files import write_atomic


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_leftovers_of_dead_processes_are_removed_and_others_kept(tmp_path: Path) -> None:
    """A process that was killed while it wrote leaves its half; that of one still writing is not touched."""
    path = tmp_path / "file [1].json"
    code = (
        "import os, signal, sys; from pathlib import Path; from ace_cli.files import write_atomic\n"
        "os.fsync = lambda _: os.kill(os.getpid(), int(sys.argv[2]))\n"
        "write_atomic(Path(sys.argv[1]), b'half')"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path), str(signal.SIGKILL)]) as killed:
        killed.wait()
    (leftover,) = tmp_path.iterdir()
    with subprocess.Popen([sys.executable, "-c", code, str(path), str(signal.SIGSTOP)]) as writing:
        try:
            os.waitpid(writing.pid, os.WUNTRACED)
            (half,) = set(tmp_path.iterdir()) - {leftover}
            others = [tmp_path / name for name in (f".{path.name}.elsewhere-{killed.pid}.1.tmp", "a.tmp")]
            for other in others:
                other.write_bytes(b"half")
            write_atomic(path, b"whole")
            assert set(tmp_path.iterdir()) == {path, half, *others}
        finally:
            writing.kill()
