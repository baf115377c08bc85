"""The run store: one SQLite file that a run can be continued from at any moment.

Every paid reply is on disk before it is used. What is awaited is durable when the await returns, and the event loop never waits
for the disk (:mod:`ace_cli.runs.writer`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ace_cli.clock import now
from ace_cli.data import Example
from ace_cli.errors import StoreError, UsageError
from ace_cli.files import cannot_write, digest, write_private
from ace_cli.playbook import Delta
from ace_cli.runs import migrations, opening
from ace_cli.runs.codec import delta_row, dumps, evaluation_row, playbook_row
from ace_cli.runs.opening import FILE, store_error
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import CurvePoint, Episode, Evaluation, Header, RecordedReply, Split, State
from ace_cli.runs.reserve import Reserve
from ace_cli.runs.writer import Write, Writer, connect
from ace_cli.settings.values import AUTO, MOST_IN_FLIGHT


@dataclass(frozen=True, slots=True)
class PaidVectors:
    """An embedding call of a provider: how many texts, and what it took."""

    texts: int
    prompt_tokens: int
    cost_usd: float | None
    retries: int
    seconds: float


class RunStore(RunReader):
    """The writer's end; everything that only reads is :class:`~ace_cli.runs.reader.RunReader`.

    Use it as a context manager. One writer a run: the caller holds ``runs.lock``.
    """

    def __init__(self, run_dir: Path) -> None:
        migrate(run_dir / FILE)
        super().__init__(run_dir, checked=True)
        self._session: int | None = None
        self._reserve = Reserve(run_dir)
        self._started = time.monotonic()
        self._known_texts: set[str] = set()
        try:
            self._writer = Writer(self.path, self._reserve.give, self._note_seconds)
        except StoreError:
            super().close()
            raise

    @classmethod
    def create(
        cls,
        run_dir: Path,
        header: Header,
        runtime: Mapping[str, Any],
        examples: Iterable[Example],
        dataset_hash: Callable[[], str],
        evaluation: Evaluation | None = None,
        held_out: Callable[[], Mapping[Split, Sequence[Example]]] = dict,
    ) -> int:
        """Make the store of a new run in an existing folder, whole or not at all.

        ``dataset_hash`` is asked when all examples were seen. ``evaluation`` makes it a run of `ace eval`.
        ``held_out`` gives the examples of other splits, and is asked then, too.

        Returns:
            The number of examples.

        Raises:
            UsageError: there are no examples, or two have the same id. StoreError: it cannot be written.
                What ``examples`` raises comes through.
        """
        path, making = run_dir / FILE, run_dir / f"{FILE}.making"
        count = 0
        opening.check_place(run_dir)
        write_private(making)
        try:
            with contextlib.closing(sqlite3.connect(making, isolation_level=None)) as db:
                migrations.migrate(db)
                db.execute("BEGIN")
                for count, example in enumerate(examples, 1):
                    db.execute(_EXAMPLE, _example_row(count - 1, example))
                if not count:
                    raise UsageError("the dataset has no examples")
                db.execute("INSERT INTO segment VALUES (0, ?)", (count,))
                others = [(split, example) for split, rows in held_out().items() for example in rows]
                for index, (split, example) in enumerate(others, count):
                    db.execute(_EXAMPLE, _example_row(index, example, split))
                db.execute(
                    "INSERT INTO run VALUES (1,?,?,?,?,?,?,?,?,?,?,'')",
                    _run_row(header, runtime, dataset_hash()),
                )
                if evaluation is not None:
                    db.execute("INSERT INTO evaluation VALUES (1,?)", (dumps(evaluation_row(evaluation)),))
                db.execute("COMMIT")
            try:
                making.replace(path)
            except OSError as error:
                raise cannot_write(path, error) from error
        except sqlite3.IntegrityError as error:
            raise UsageError(f"two examples have the same id (example {count})") from error
        except sqlite3.Error as error:
            raise store_error(path, error) from error
        finally:
            with contextlib.suppress(OSError):
                making.unlink(missing_ok=True)
        return count

    def extend(self, examples: Sequence[Example], dataset_hash: str) -> None:
        """Append examples as a further segment of the plan, at once."""
        start = self.next_index()

        def write(db: sqlite3.Connection) -> None:
            for index, example in enumerate(examples, start):
                db.execute(_EXAMPLE, _example_row(index, example))
            db.execute("INSERT INTO segment VALUES (?,?)", (start, start + len(examples)))
            db.execute("UPDATE run SET dataset_hash = ?", (dataset_hash,))

        self._writer.submit(write).result()

    def change_identity(self, identity: Mapping[str, Any], origins: Mapping[str, int]) -> None:
        """Other identity settings from now on, at once; ``origins`` are those of the changed ones.

        The caller sees to it that nothing on record depends on what changes.
        """
        ranks = {**self.header().origins, **origins}
        sql, values = "UPDATE run SET identity = ?, origins = ?", (dumps(identity), dumps(ranks))
        self._writer.submit(lambda db: db.execute(sql, values)).result()

    def begin_session(self, runtime: Mapping[str, Any]) -> None:
        """Note that this process works on the run now, with these runtime settings.

        Raises:
            StoreError: the disk has no room for the replies that would be in flight.
        """
        row = (now(), os.getpid(), socket.gethostname())

        def write(db: sqlite3.Connection) -> None:
            cursor = db.execute("INSERT INTO session (started_at, pid, host) VALUES (?,?,?)", row)
            self._session = cursor.lastrowid
            db.execute("UPDATE run SET state = ?, reason = '', runtime = ?", (State.RUNNING, dumps(runtime)))

        at_once = runtime.get("execution.concurrency", 1)
        self._reserve.take(MOST_IN_FLIGHT if at_once == AUTO else int(at_once))
        self._started = time.monotonic()
        self._writer.submit(write).result()

    def end_session(self, state: State, reason: str = "") -> None:
        """Note how it ended; at once."""

        def write(db: sqlite3.Connection) -> None:
            db.execute("UPDATE run SET state = ?, reason = ?", (state, reason))
            db.execute(
                "UPDATE session SET ended = ? WHERE id = ?", (f"{state} {reason}".strip(), self._session)
            )

        self._writer.submit(write).result()

    def begin_phase(
        self, phase: int, kind: str, version: int | None = None, same_as: int | None = None
    ) -> None:
        """Note what a phase is for (see :class:`~.records.PhaseRecord`), before the first of its examples; at once.

        A known one stays as it is.
        """
        row = (phase, kind, version, same_as)
        self._writer.submit(
            lambda db: db.execute("INSERT OR IGNORE INTO phase VALUES (?,?,?,?)", row)
        ).result()

    def record_output(self, path: str, digest: str) -> None:
        """Note what is about to be written where; at once."""
        self._writer.submit(
            lambda db: db.execute("INSERT OR IGNORE INTO output VALUES (?,?)", (path, digest))
        ).result()

    def session_seconds(self) -> float:
        """Seconds of work in this session, so far."""
        return time.monotonic() - self._started

    async def record_reply(self, record: RecordedReply) -> None:
        """Durable when it returns."""
        texts = {text: _name_of(text) for _, text in record.messages}
        new = {text: name for text, name in texts.items() if name not in self._known_texts}
        self._known_texts.update(new.values())
        reply = record.reply
        row = (
            record.key,
            record.step,
            record.role,
            record.turn,
            record.model,
            dumps([(role, texts[text]) for role, text in record.messages]),
            dumps(reply.text),
            reply.finish_reason,
            reply.prompt_tokens,
            reply.completion_tokens,
            reply.cached_prompt_tokens,
            reply.cost_usd,
            reply.retries,
            reply.seconds,
            record.at,
            record.phase,
            reply.from_cache,
        )

        def write(db: sqlite3.Connection) -> None:
            for text, name in new.items():
                db.execute("INSERT OR IGNORE INTO text VALUES (?,?)", (name, zlib.compress(text.encode(), 1)))
            db.execute(f"INSERT INTO reply VALUES ({','.join('?' * len(row))})", row)

        await self._durable(write)

    async def record_episode(self, episode: Episode) -> None:
        """Durable when it returns."""
        row = (
            episode.phase,
            episode.step,
            episode.epoch,
            episode.index,
            episode.batch,
            episode.correct,
            episode.failure,
            episode.seconds,
            dumps(episode),
        )
        sql = "INSERT OR REPLACE INTO episode VALUES (?,?,?,?,?,?,?,?,?)"
        await self._durable(lambda db: db.execute(sql, row))

    async def record_merge(self, batch: int, delta: Delta, curve: CurvePoint) -> None:
        """Durable when it returns."""
        row = (batch, delta.at, dumps(delta_row(delta)), dumps(curve))
        await self._durable(lambda db: db.execute("INSERT INTO merge VALUES (?,?,?,?)", row))

    async def record_vectors(
        self, model: str, rows: Sequence[tuple[str, bytes]], paid: PaidVectors | None = None
    ) -> None:
        """Keep embeddings, by hash of the text, together with what a provider took for them. Durable when it returns."""

        def write(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR IGNORE INTO vector VALUES (?,?,?)", [(model, *row) for row in rows])
            if paid is not None:
                db.execute(
                    "INSERT INTO embedding_call (model, texts, prompt_tokens, cost_usd, retries, seconds, at)"
                    " VALUES (?,?,?,?,?,?,?)",
                    (model, paid.texts, paid.prompt_tokens, paid.cost_usd, paid.retries, paid.seconds, now()),
                )

        await self._durable(write)

    @property
    def shortage(self) -> StoreError | None:
        """Why nothing more may be asked for: the disk is full, and what is in flight goes into the reserve."""
        return self._writer.shortage

    def close(self) -> None:
        """Write what is waiting and close. A failed write was raised where it was awaited."""
        super().close()  # first, so that the writer is the last one out and folds the log into the file
        self._writer.close()
        self._reserve.give()

    def _note_seconds(self, db: sqlite3.Connection) -> None:
        if self._session is not None:
            sql = "UPDATE session SET seconds = ? WHERE id = ?"
            db.execute(sql, (self.session_seconds(), self._session))

    async def _durable(self, write: Write) -> None:
        await self._writer.written(write)


@lru_cache(maxsize=128)
def _name_of(text: str) -> str:
    """Kept, since a playbook stands in the calls of many examples."""
    return digest(text.encode())


_EXAMPLE = "INSERT INTO example VALUES (?,?,?,?)"


def _example_row(index: int, example: Example, split: Split = Split.TRAINING) -> tuple[object, ...]:
    return (index, dumps(example.id), dumps(example), split)


def _run_row(header: Header, runtime: Mapping[str, Any], dataset_hash: str) -> tuple[str, ...]:
    return (
        header.created_at,
        header.ace_version,
        dumps(header.identity),
        dumps(header.origins),
        dumps(runtime),
        dumps(header.prompts),
        dumps(playbook_row(header.base_playbook)),
        dataset_hash,
        dumps(header.source),
        State.RUNNING,
    )


def migrate(path: Path) -> None:
    """Check a store and bring it up to date.

    Raises:
        UsageError: missing, foreign or newer. AceError: damaged, or not writable.
    """
    opening.check(path)
    try:
        for file in opening.files_of(path.parent):  # those of version 0.1 could be read by anybody
            with contextlib.suppress(FileNotFoundError, PermissionError):
                file.chmod(0o600)
        with contextlib.closing(connect(path)) as db:
            migrations.migrate(db)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise store_error(path, error) from error
