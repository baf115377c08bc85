"""Reading a run: for `ace inspect`, `ace export` and the resumed writer. Never blocks the writer (WAL)."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Self

from ace_cli.data import Example
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Delta, GrowingPlaybook, Playbook
from ace_cli.runs.codec import (
    REPLY_COLUMNS,
    REPLY_NUMBERS,
    decode,
    dumps,
    evaluation_from_row,
    loads,
    playbook_from_row,
    reply_from_row,
    table_from,
    usage_by,
)
from ace_cli.runs.opening import FILE, check, damaged, open_current, reading
from ace_cli.runs.records import (
    TRAINING,
    CurvePoint,
    Episode,
    Evaluation,
    Header,
    Merge,
    PhaseRecord,
    RecordedReply,
    SessionRecord,
    Spent,
    Split,
    Standing,
    State,
    Usage,
)

EMBEDDING = "embedding"
"""What a provider's embedding calls are counted under, beside the roles."""

_NEEDED = ("training.epochs", "training.quarantine_min_votes")
"""Numbers among the identity settings without which a run cannot be read."""
_OPTIONAL = ("training.lookahead", "validation.patience")


class RunReader:
    """A run directory, opened for reading.

    Raises:
        UsageError: there is no run here, or its store is foreign or newer. AceError: it is damaged.
    """

    def __init__(self, run_dir: Path, *, checked: bool = False) -> None:
        """``checked``: the store was checked just now (see :func:`check`)."""
        self.run_dir = run_dir
        self.path = run_dir / FILE
        if not checked:
            check(self.path)
        try:
            self._db = open_current(self.path)
        except sqlite3.DatabaseError as error:
            raise damaged(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    # -- the run itself

    @reading
    def header(self) -> Header:
        row = self._one(
            "SELECT created_at, ace_version, identity, origins, prompts, base_playbook, dataset_hash, source FROM run"
        )
        identity = table_from(row[2])
        for path in _NEEDED:
            int(identity[path])
        for path in _OPTIONAL:
            if (value := identity.get(path)) != "auto":
                int(value or 0)
        return Header(
            str(row[0]),
            str(row[1]),
            identity,
            {path: int(rank) for path, rank in table_from(row[3]).items()},
            {name: str(text) for name, text in table_from(row[4]).items()},
            playbook_from_row(loads(row[5])),
            str(row[6]),
            table_from(row[7]),
        )

    @reading
    def runtime(self) -> dict[str, Any]:
        """Runtime settings of the last session, by dotted path."""
        return table_from(self._one("SELECT runtime FROM run")[0])

    @reading
    def state(self) -> Standing:
        """As the last session left it: ``running`` also when that was killed (``overview`` tells the two apart)."""
        state, reason = self._one("SELECT state, reason FROM run")
        return Standing(State(state), str(reason))

    @reading
    def sessions(self) -> list[SessionRecord]:
        rows = self._all("SELECT id, started_at, seconds, pid, host, ended FROM session ORDER BY id")
        names = ("id", "started_at", "seconds", "pid", "host", "ended")
        return [decode(SessionRecord, dict(zip(names, row, strict=True))) for row in rows]

    @reading
    def seconds(self) -> float:
        """Seconds of work over all sessions, as last noted."""
        return float(self._one("SELECT coalesce(sum(seconds), 0) FROM session")[0])

    @reading
    def segments(self) -> list[tuple[int, int]]:
        """(start, stop) of the dataset's parts: one, and one for every extension."""
        return [
            (int(start), int(stop))
            for start, stop in self._all("SELECT start, stop FROM segment ORDER BY start")
        ]

    @reading
    def evaluation(self) -> Evaluation | None:
        """What a run of `ace eval` compares; None for a run of `ace train`."""
        rows = self._all("SELECT body FROM evaluation")
        if not rows:
            return None
        return evaluation_from_row(table_from(rows[0][0]))

    # -- examples; where no split is named, those that are trained on

    @reading
    def example_count(self, split: Split = Split.TRAINING) -> int:
        return int(self._one("SELECT count(*) FROM example WHERE split = ?", split)[0])

    @reading
    def next_index(self) -> int:
        """The index that a further example gets."""
        return int(self._one("SELECT coalesce(max(idx), -1) + 1 FROM example")[0])

    @reading
    def indices(self, split: Split) -> list[int]:
        """Of the examples of a split, in their order."""
        return [
            int(row[0]) for row in self._all("SELECT idx FROM example WHERE split = ? ORDER BY idx", split)
        ]

    @reading
    def example(self, index: int) -> Example:
        return decode(Example, loads(self._one("SELECT body FROM example WHERE idx = ?", index)[0]))

    @reading
    def examples(self, indices: Sequence[int]) -> list[Example]:
        """In the order of ``indices``, with one question to the store for many."""
        sql = "SELECT idx, body FROM example WHERE idx IN (SELECT value FROM json_each(?))"
        rows = self._all(sql, dumps(list(indices)))
        found = {int(index): decode(Example, loads(body)) for index, body in rows}
        return [found[index] for index in indices]

    @reading
    def all_examples(self, split: Split = Split.TRAINING) -> Iterator[Example]:
        for (body,) in self._db.execute("SELECT body FROM example WHERE split = ? ORDER BY idx", (split,)):
            yield decode(Example, loads(body))

    @reading
    def index_of(self, example_id: str, split: Split = Split.TRAINING) -> int | None:
        rows = self._all("SELECT idx FROM example WHERE id = ? AND split = ?", dumps(example_id), split)
        return int(rows[0][0]) if rows else None

    @reading
    def example_ids(self) -> list[str]:
        sql = "SELECT id FROM example WHERE split = ? ORDER BY idx"
        return [str(loads(row[0])) for row in self._all(sql, Split.TRAINING)]

    # -- replies

    @reading
    def replies(self, first_step: int, last_step: int, phase: int = TRAINING) -> dict[str, ChatReply]:
        """Recorded replies by key, of the steps ``first_step..last_step`` of a phase."""
        sql = f"SELECT key, {REPLY_COLUMNS} FROM reply WHERE phase = ? AND step BETWEEN ? AND ?"
        return {row[0]: reply_from_row(row[1:]) for row in self._all(sql, phase, first_step, last_step)}

    @reading
    def conversation(self, step: int, phase: int = TRAINING) -> list[RecordedReply]:
        """Every call of one step, with its prompts: the generator's and reflector's, or a merge's."""
        sql = f"""SELECT CAST(key AS TEXT), CAST(role AS TEXT), CAST(turn AS INTEGER), CAST(model AS TEXT), request, CAST(at AS TEXT), {REPLY_COLUMNS} FROM reply
                  WHERE phase = ? AND step = ? ORDER BY at, role, turn"""
        found = []
        for key, role, turn, model, request, at, *reply in self._all(sql, phase, step):
            messages = tuple((str(who), self._text_of(digest)) for who, digest in loads(request))
            found.append(
                RecordedReply(key, step, role, turn, model, messages, reply_from_row(reply), at, phase)
            )
        return found

    @reading
    def usage(self) -> dict[str, Usage]:
        """What was paid, by role, in a fixed order of summing (so that sums are equal to the last bit)."""
        replies = f"SELECT CAST(role AS TEXT), {REPLY_NUMBERS} FROM reply ORDER BY phase, step, role, turn"
        others = f"""SELECT '{EMBEDDING}', CAST(prompt_tokens AS INTEGER), 0, 0, CAST(cost_usd AS REAL), CAST(retries AS INTEGER), 0.0, 0
                     FROM embedding_call ORDER BY id"""
        return usage_by(chain(self._db.execute(replies), self._db.execute(others)))

    @reading
    def calls_since(self, seconds: float) -> list[tuple[str, int, float]]:
        """Calls that were put on record at most so long ago: role, tokens, and seconds since then (at least)."""
        clock = datetime.now(UTC)
        first = (clock - timedelta(seconds=seconds + 1)).isoformat(timespec="seconds").replace("+00:00", "Z")
        sql = f"""SELECT CAST(role AS TEXT), prompt_tokens + completion_tokens, CAST(at AS TEXT) FROM reply
                  WHERE at >= ? AND NOT from_cache
                  UNION ALL SELECT '{EMBEDDING}', prompt_tokens, CAST(at AS TEXT) FROM embedding_call WHERE at >= ? ORDER BY 3"""
        return [
            (role, int(tokens), max(0.0, (clock - datetime.fromisoformat(at)).total_seconds() - 1))
            for role, tokens, at in self._all(sql, first, first)
        ]

    @reading
    def longest_call(self) -> int:
        """Tokens of the longest call on record, prompt and reply; 0 without one."""
        return int(self._one("SELECT coalesce(max(prompt_tokens + completion_tokens), 0) FROM reply")[0])

    @reading
    def broken_off(self) -> dict[str, tuple[int, int]]:
        """By role: chat replies that came to their limit of tokens, and all of them. Not counted: those that a limit of the whole run ended, which are asked for again."""
        sql = """SELECT CAST(role AS TEXT), sum(finish_reason = 'length'), count(*) FROM reply WHERE instr(key, '/') = 0
                 GROUP BY role ORDER BY role"""
        return {role: (int(cut), int(replies)) for role, cut, replies in self._all(sql)}

    @reading
    def usage_by_kind(self) -> dict[str, Usage]:
        """What was paid for chat calls, by what their phase is for."""
        sql = f"""SELECT CAST(p.kind AS TEXT), {REPLY_NUMBERS} FROM reply r JOIN phase p ON p.id = r.phase
                  ORDER BY r.phase, r.step, r.role, r.turn"""
        return usage_by(self._db.execute(sql))

    @reading
    def usage_of_steps(self, first_step: int, last_step: int, phase: int = TRAINING) -> Usage:
        sql = f"""SELECT {REPLY_NUMBERS} FROM reply WHERE phase = ? AND step BETWEEN ? AND ?
                  ORDER BY step, role, turn"""
        rows = self._db.execute(sql, (phase, first_step, last_step))
        return Usage.sum(Usage().plus(ChatReply("", "stop", *numbers)) for numbers in rows)

    @reading
    def spent_by_step(self, phase: int) -> dict[int, Spent]:
        """What each step of a phase took, all its calls together, whether this run paid for them or an earlier one did."""
        sql = f"SELECT step, {REPLY_NUMBERS} FROM reply WHERE phase = ? ORDER BY step, role, turn"
        found: dict[int, Spent] = {}
        for step, *numbers in self._db.execute(sql, (phase,)):
            reply, before = ChatReply("", "stop", *numbers[:-1]), found.get(step, Spent())
            found[step] = Spent(before.usage.plus(reply), before.seconds + reply.seconds)
        return found

    @reading
    def most_expensive(self, limit: int = 5, phase: int = TRAINING) -> list[tuple[str, float, int]]:
        """(example id, US dollars, tokens) of the examples that cost most."""
        sql = """SELECT x.id, coalesce(sum(r.cost_usd), 0) AS cost, sum(r.prompt_tokens + r.completion_tokens) AS tokens
                 FROM reply r JOIN episode e ON e.phase = r.phase AND e.step = r.step JOIN example x ON x.idx = e.idx
                 WHERE r.role <> 'curator' AND r.phase = ? AND r.from_cache = 0 GROUP BY r.step ORDER BY cost DESC, tokens DESC, r.step LIMIT ?"""
        return [
            (str(loads(name)), float(cost), int(tokens))
            for name, cost, tokens in self._all(sql, phase, limit)
        ]

    # -- what came of them

    @reading
    def episodes(
        self, *, batch: int | None = None, index: int | None = None, phase: int = TRAINING
    ) -> Iterator[Episode]:
        """A phase's episodes in plan order: all of them, one batch's, or one example's."""
        chosen = {"phase": phase, "batch": batch, "idx": index}
        given = {name: value for name, value in chosen.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in given)
        for (body,) in self._db.execute(
            f"SELECT body FROM episode WHERE {where} ORDER BY step", tuple(given.values())
        ):
            yield decode(Episode, loads(body))

    @reading
    def newest(self, count: int, *, epoch: int | None = None, phase: int = TRAINING) -> list[Episode]:
        """The last ``count`` episodes of a phase, of one epoch or of all, in plan order. Reads no others."""
        of_epoch = "" if epoch is None else "AND epoch = :epoch"
        sql = f"SELECT body FROM episode WHERE phase = :phase {of_epoch} ORDER BY step DESC LIMIT :count"
        rows = self._db.execute(sql, {"phase": phase, "epoch": epoch, "count": count}).fetchall()
        return [decode(Episode, loads(body)) for (body,) in reversed(rows)]

    @reading
    def first_sight(self) -> list[tuple[int, bool]]:
        """(the playbook version that it saw, whether it was right) of every example when it was first trained on, in plan order."""
        sql = "SELECT json_extract(body, '$.version'), correct FROM episode WHERE phase = ? AND epoch = 0 ORDER BY step"
        return [(int(version), bool(correct)) for version, correct in self._all(sql, TRAINING)]

    @reading
    def slowest(self, limit: int = 5, phase: int = TRAINING) -> list[Episode]:
        sql = "SELECT body FROM episode WHERE phase = ? ORDER BY seconds DESC, step LIMIT ?"
        return [decode(Episode, loads(body)) for (body,) in self._all(sql, phase, limit)]

    @reading
    def phases(self) -> dict[int, str]:
        """All phases in their order, with what each is for."""
        return {int(phase): str(kind) for phase, kind in self._all("SELECT id, kind FROM phase ORDER BY id")}

    @reading
    def phase_records(self) -> list[PhaseRecord]:
        """What each phase is for, in their order."""
        rows = self._all("SELECT id, kind, version, same_as FROM phase ORDER BY id")
        return [decode(PhaseRecord, dict(zip(PhaseRecord.__slots__, row, strict=True))) for row in rows]

    @reading
    def failures(self, phase: int = TRAINING) -> dict[str, list[tuple[str, str]]]:
        """Failed episodes by kind: (example id, error)."""
        groups: dict[str, list[tuple[str, str]]] = {}
        sql = "SELECT body FROM episode WHERE phase = ? AND failure <> '' ORDER BY step"
        for (body,) in self._all(sql, phase):
            episode = decode(Episode, loads(body))
            groups.setdefault(episode.failure, []).append((episode.example_id, episode.error))
        return groups

    @reading
    def counts(self, phase: int = TRAINING) -> tuple[int, int, int]:
        """(episodes, correct, failed) so far, the unmerged included."""
        row = self._one(
            """SELECT count(*), coalesce(sum(correct), 0), coalesce(sum(failure <> ''), 0) FROM episode
               WHERE phase = ?""",
            phase,
        )
        return int(row[0]), int(row[1]), int(row[2])

    @reading
    def merges(self, after: int = -1) -> Iterator[Merge]:
        """Merges in order, those of batches above ``after``."""
        sql = "SELECT batch, delta, curve FROM merge WHERE batch > ? ORDER BY batch"
        for batch, delta, curve in self._db.execute(sql, (after,)):
            yield Merge(batch, decode(Delta, loads(delta)), decode(CurvePoint, loads(curve)))

    @reading
    def curve(self, after: int = -1) -> Iterator[CurvePoint]:
        """One point a merge, of batches above ``after``; without reading what was merged."""
        for (curve,) in self._db.execute("SELECT curve FROM merge WHERE batch > ? ORDER BY batch", (after,)):
            yield decode(CurvePoint, loads(curve))

    @reading
    def playbook(self, version: int | None = None) -> Playbook:
        """The playbook after ``version`` merges (default: all). No header but that of the initial one."""
        header = self.header()
        minimum = header.identity["training.quarantine_min_votes"]
        growing = GrowingPlaybook(header.base_playbook, minimum)
        for merge in self.merges():
            if version is not None and merge.batch >= version:
                break
            growing.apply(merge.delta)
        return growing.playbook()

    @reading
    def playbook_size(self) -> int:
        """How many bullets the playbook has now, without putting it together."""
        rows = self._all("SELECT curve FROM merge ORDER BY batch DESC LIMIT 1")
        if rows:
            return decode(CurvePoint, loads(rows[0][0])).playbook_size
        return len(self.header().base_playbook)

    @reading
    def vectors(self, model: str, hashes: Sequence[str]) -> dict[str, bytes]:
        """Recorded embeddings, by hash of the text."""
        sql = "SELECT hash, body FROM vector WHERE model = ? AND hash IN (SELECT value FROM json_each(?))"
        return dict(self._all(sql, model, dumps(list(hashes))))

    @reading
    def outputs(self) -> dict[str, set[str]]:
        """By path, the digests of what this run wrote there, or was about to write."""
        found: dict[str, set[str]] = {}
        for path, digest in self._all("SELECT path, digest FROM output"):
            found.setdefault(path, set()).add(digest)
        return found

    # -- helpers

    def _one(self, sql: str, *values: object) -> Any:
        row = self._db.execute(sql, values).fetchone()
        if row is None:
            raise damaged(self.path, "a row is missing")
        return row

    def _all(self, sql: str, *values: object) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _text_of(self, digest: str) -> str:
        (body,) = self._one("SELECT body FROM text WHERE hash = ?", digest)
        return zlib.decompress(body).decode(errors="replace")
