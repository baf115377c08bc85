"""`ace` at a terminal of its own."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Sequence

import pytest

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")


def at_terminal(
    *arguments: str,
    size: tuple[int, int] = (80, 24),
    keys: Sequence[tuple[str, str]] = (),
    **environment: str,
) -> str:
    """What `ace` writes to a terminal of that size (columns, lines), escapes included. POSIX only.

    ``keys`` are pressed in order, each when its text is on the screen: (text, key).
    """
    import pty
    import termios
    from fcntl import ioctl

    columns, lines = size

    child, terminal = pty.fork()
    if child == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ.update(
            {
                "TERM": "xterm-256color",
                "PAGER": "cat",
                "COLUMNS": str(columns),
                "LINES": str(lines),
                **environment,
            }
        )
        os.execv(sys.executable, [sys.executable, "-c", "from ace_cli.cli import main; main()", *arguments])
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    seen, looked, waiting = b"", 0, list(keys)
    try:
        while block := os.read(terminal, 65536):
            seen += block
            while waiting and waiting[0][0].encode() in seen[looked:]:
                looked = len(seen)
                os.write(terminal, waiting.pop(0)[1].encode())
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return seen.decode().replace("\r\n", "\n")
