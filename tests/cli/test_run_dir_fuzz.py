"""A run directory of somebody else, with anything in any column: errors of ours alone, and nothing done that it asks for."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.command import KEY
from support.fuzzing import fuzzed, usually
from support.inside import Inside
from support.network import Network
from support.scripted_server import ScriptedServer
from support.serving import write_sums

pytestmark = pytest.mark.patient

HOSTILE = [
    "http://evil.example/v1", "https://127.0.0.1@evil.example/", "http://127.0.0.1:1/v1", "huggingface/http://evil.example/x", "azure/x", "bedrock/x",
    "github_copilot/x", "evil_stage:Quiet", "evil_stage.sub:Quiet", "subprocess:getoutput", "os:system", "local/evil.gguf", "{outside}/precious", "{outside}/new.json",
    "{outside}", "/dev/null", "/dev/full", ".bashrc", "~/.bashrc", "link/new.json", "run/run.sqlite3", "run.pid", "", "\0", "\x1b]52;c;eA==\x07", "\u202e\x9b2J", "\ud800", "x" * 5000,
    "finished", "running", "[" * 3000, "{" * 50, "1e999", "-1", "NaN", "null", "true", "99999999999999999999",
]  # fmt: skip
values = (
    st.sampled_from(HOSTILE)
    | st.text(max_size=8)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**31, 2**63 - 1, 10**30, float("inf"), 1e308, -0.5])
    | st.lists(st.sampled_from(HOSTILE), max_size=2)
    | st.dictionaries(
        st.sampled_from(["base_url", "api_base", "type", "x"]), st.sampled_from(HOSTILE), max_size=2
    )
    | st.binary(max_size=6)
)
changes = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans(), values), min_size=1, max_size=3
)
"""Which column of the store (counted over all tables), where inside of its JSON, or in place of all of it, and what."""

STAGE = "from pathlib import Path\nPath({marker!r}).touch()\n"


class House:
    """A folder where a run was handed over, with things around it that are none of its business."""

    def __init__(self, inside: Inside, server: ScriptedServer, network: Network, elsewhere: Path) -> None:
        self.inside, self.server, self.network = inside, server, network
        self.outside, self.marker = elsewhere / "outside", elsewhere / "imported"
        self.outside.mkdir()
        (self.outside / "precious").write_text("precious")
        (inside.cwd / "link").symlink_to(self.outside)
        (inside.cwd / "evil_stage.py").write_text(STAGE.format(marker=str(self.marker)))
        (inside.cwd / ".bashrc").write_text("mine")
        data = write_sums(inside.cwd / "rows.jsonl", 6)
        done = inside.train(
            server, data, 6, batch_size=2, concurrency=2, max_calls=9, retry_horizon=0, max_retries=0
        )
        assert done.code == 3, done.err
        self.sound = elsewhere / "sound"
        (inside.cwd / "run").rename(self.sound)
        with closing(sqlite3.connect(self.sound / "run.sqlite3")) as db:
            tables = [
                name
                for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
            ]
            self.columns = [(t, row[1]) for t in tables for row in db.execute(f"PRAGMA table_info({t})")]

    def hand_over(self, changes: list[tuple[int, int, bool, Any]]) -> None:
        """A copy of the run with some columns changed."""
        run = self.inside.cwd / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(self.sound, run)
        with closing(sqlite3.connect(run / "run.sqlite3")) as db:
            db.execute("PRAGMA ignore_check_constraints = 1")
            for number, at, whole, value in changes:
                table, column = self.columns[number % len(self.columns)]
                rows = [row[0] for row in db.execute(f"SELECT {column} FROM {table}")]
                old = rows[at % len(rows)] if rows else None
                new = self.put(value) if whole else self.changed(old, at, value)
                try:
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} IS ?", (new, old))
                except (sqlite3.Error, OverflowError, UnicodeEncodeError):
                    continue
            db.commit()

    def put(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{outside}", str(self.outside))
        return value if isinstance(value, bytes | int | float | None) else json.dumps(value)

    def changed(self, old: Any, at: int, value: Any) -> Any:
        """The JSON ``old`` with a leaf of it replaced, else just the value."""
        try:
            tree = json.loads(old)
        except (TypeError, ValueError):
            return self.put(value)
        leaves = list(walk(tree))
        if not leaves:
            return self.put(value)
        node, key = leaves[at % len(leaves)]
        node[key] = (
            "bytes" if isinstance(value, bytes) else self.put(value) if isinstance(value, str) else value
        )
        return json.dumps(tree)

    def check(self, *arguments: object) -> None:
        asked = len(self.server.log)
        done = self.inside(*arguments)
        assert done.code in (0, 1, 2, 3), (arguments, done)
        for said in (done.out, done.err):
            assert "error: unexpected" not in said
            assert "Traceback" not in said
            assert KEY not in said
        assert not self.network.asked
        assert arguments[0] == "resume" or len(self.server.log) == asked
        assert [path.name for path in self.outside.iterdir()] == ["precious"]
        assert (self.outside / "precious").read_text() == "precious"
        assert (self.inside.cwd / ".bashrc").read_text() == "mine"
        assert not self.marker.exists()
        assert "evil_stage" not in sys.modules


def walk(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as (what holds it, key or index)."""
    for key, inner in (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    ):
        yield tree, key
        yield from walk(inner)


@pytest.fixture
def house(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    network = Network(monkeypatch)
    monkeypatch.syspath_prepend("")
    with ScriptedServer(write_sums(inside.cwd / "rows.jsonl", 6)) as server:
        yield House(inside, server, network, tmp_path_factory.mktemp("elsewhere"))


FORMATS = ["json", "jsonl", "csv", "markdown", "prompt", "paper", "skill", "agents-md", "html"]
VIEWS = ("", "--bullets", "--example row-1", "--json", "--follow")
LIMITS = "--max-calls 40 --max-time 3 --retry-horizon 0 --max-retries 0 --grace-period 0"


@settings(fuzzed, max_examples=usually(30))
@given(changes, st.sampled_from(VIEWS), st.sampled_from(FORMATS))
def test_fuzz_a_run_that_was_handed_over(
    house: House, changes: list[tuple[int, int, bool, Any]], view: str, kind: str
) -> None:
    house.hand_over(changes)
    house.check("inspect", "run", *view.split())
    house.check("export", "run", "--format", kind, "-o", f"exported-{kind}", "--force")
    house.check("resume", "run", *LIMITS.split())
