"""The folder of a Ray cluster of our own, after its owner was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ace_cli.engine.executor.own_folder import YOUNG, OwnFolder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no lock on a folder")

OWNER = """
import sys, time
from pathlib import Path
from ace_cli.engine.executor.own_folder import OwnFolder
folder = OwnFolder(Path(sys.argv[1]))
(folder.path / "logs").mkdir()
print(folder.path, flush=True)
time.sleep(600)
"""


def test_the_next_one_takes_away_what_a_killed_process_left_and_nothing_else(tmp_path: Path) -> None:
    owners = [
        subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        left, used = (Path(owner.stdout.readline().strip()) for owner in owners if owner.stdout)
        another = tmp_path / "ace-other"
        another.mkdir()
        before = time.time() - 2 * YOUNG
        for folder in (left, used, another):
            os.utime(folder, (before, before))
        owners[0].kill()
        owners[0].wait()
        mine = OwnFolder(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted((used, another, mine.path))
        mine.remove()
        assert sorted(tmp_path.iterdir()) == sorted((used, another))
    finally:
        for owner in owners:
            owner.kill()
            owner.communicate()
