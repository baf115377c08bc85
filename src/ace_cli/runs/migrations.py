"""The schema of the run store, as ordered steps. A store is brought up to date when it is opened.

A step that has been released is never changed; a new one is added below, with a store of the
schema before it kept under ``tests/fixtures/stores``.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x41434552  # "ACER", in the header of the file


def initial(db: sqlite3.Connection) -> None:
    """Everything a run needs to go on, and `ace inspect` to tell its story."""
    statements = """
    CREATE TABLE run (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        created_at TEXT NOT NULL,
        ace_version TEXT NOT NULL,
        identity TEXT NOT NULL,          -- JSON: dotted path -> value
        origins TEXT NOT NULL,           -- JSON: dotted path -> rank of the layer that set it
        runtime TEXT NOT NULL,           -- JSON: dotted path -> value, of the last session
        prompts TEXT NOT NULL,           -- JSON: file name -> text
        base_playbook TEXT NOT NULL,     -- JSON: the playbook that the run started from
        dataset_hash TEXT NOT NULL,      -- of the examples below, see data.ContentHash
        source TEXT NOT NULL,            -- JSON: cheap fingerprint of the dataset's files
        state TEXT NOT NULL,             -- running, stopped, failed, finished
        reason TEXT NOT NULL DEFAULT ''  -- why it is stopped or failed
    );
    CREATE TABLE segment (start INTEGER PRIMARY KEY, stop INTEGER NOT NULL);
    CREATE TABLE example (idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
    CREATE TABLE text (hash TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE reply (
        key TEXT PRIMARY KEY,            -- see engine/calls.py
        step INTEGER NOT NULL, role TEXT NOT NULL, turn INTEGER NOT NULL,
        model TEXT NOT NULL,
        request TEXT NOT NULL,           -- JSON: [[role, hash of text]]
        text TEXT NOT NULL,              -- JSON text
        finish_reason TEXT NOT NULL,
        prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
        cached_prompt_tokens INTEGER NOT NULL,
        cost_usd REAL,                   -- NULL: unknown price
        retries INTEGER NOT NULL, seconds REAL NOT NULL, at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX reply_step ON reply (step);
    CREATE TABLE episode (
        step INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, idx INTEGER NOT NULL REFERENCES example,
        batch INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        failure TEXT NOT NULL,           -- '' or the kind of the failure
        seconds REAL NOT NULL,
        body TEXT NOT NULL               -- JSON: the Episode record
    );
    CREATE INDEX episode_idx ON episode (idx);
    CREATE TABLE merge (
        batch INTEGER PRIMARY KEY, at TEXT NOT NULL,
        delta TEXT NOT NULL,             -- JSON: the Delta record
        curve TEXT NOT NULL              -- JSON: the CurvePoint record
    );
    CREATE TABLE vector (model TEXT NOT NULL, hash TEXT NOT NULL, body BLOB NOT NULL,
                         PRIMARY KEY (model, hash)) WITHOUT ROWID;
    CREATE TABLE session (
        id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, seconds REAL NOT NULL DEFAULT 0,
        pid INTEGER NOT NULL, host TEXT NOT NULL, ended TEXT NOT NULL DEFAULT ''
    );
    """
    _run(db, statements)


def failure_index(db: sqlite3.Connection) -> None:
    """Failures grouped by cause without reading every episode of a long run."""
    db.execute("CREATE INDEX episode_failure ON episode (failure, step) WHERE failure <> ''")


def phases(db: sqlite3.Connection) -> None:
    """Steps count within a phase (training, validation ...), and a provider's embedding calls are kept as calls.

    A verdict's ``judge`` is its ``scorer`` now; inside a text these quotes would be escaped.
    """
    statements = """
    CREATE TABLE phase (id INTEGER PRIMARY KEY, kind TEXT NOT NULL);
    INSERT INTO phase VALUES (0, 'training');
    ALTER TABLE reply ADD COLUMN phase INTEGER NOT NULL DEFAULT 0;
    DROP INDEX reply_step;
    CREATE INDEX reply_step ON reply (phase, step);
    DROP INDEX episode_failure;
    DROP INDEX episode_idx;
    ALTER TABLE episode RENAME TO linear_episode;
    CREATE TABLE episode (
        phase INTEGER NOT NULL REFERENCES phase, step INTEGER NOT NULL,
        epoch INTEGER NOT NULL, idx INTEGER NOT NULL REFERENCES example, batch INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        failure TEXT NOT NULL,           -- '' or the kind of the failure
        seconds REAL NOT NULL,
        body TEXT NOT NULL,              -- JSON: the Episode record
        PRIMARY KEY (phase, step)
    );
    INSERT INTO episode SELECT 0, step, epoch, idx, batch, correct, failure, seconds,
        replace(body, '"judge":', '"scorer":') FROM linear_episode;
    DROP TABLE linear_episode;
    CREATE INDEX episode_idx ON episode (phase, idx);
    CREATE INDEX episode_batch ON episode (phase, batch);
    CREATE INDEX episode_failure ON episode (phase, failure, step) WHERE failure <> '';
    CREATE TABLE embedding_call (
        id INTEGER PRIMARY KEY, model TEXT NOT NULL, texts INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,
        cost_usd REAL,                   -- NULL: unknown price
        retries INTEGER NOT NULL, seconds REAL NOT NULL, at TEXT NOT NULL
    )
    """
    _run(db, statements)


def outputs(db: sqlite3.Connection) -> None:
    """What the run wrote where, so that its own files are told from edited ones and those of other runs."""
    db.execute("CREATE TABLE output (path TEXT, digest TEXT, PRIMARY KEY (path, digest)) WITHOUT ROWID")


def evaluation(db: sqlite3.Connection) -> None:
    """What a run of `ace eval` compares; a run of `ace train` has no row here."""
    db.execute(
        "CREATE TABLE evaluation (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL)"  # JSON: the Evaluation record
    )


def splits(db: sqlite3.Connection) -> None:
    """A run holds examples of several splits, whose ids may be the same; a phase says which playbook version it ran with.

    ``version`` is NULL where there were several (training), or none of this run. ``same_as`` is a phase whose results stand for this one: its version would have been asked the very same.
    """
    statements = """
    ALTER TABLE phase ADD COLUMN version INTEGER;
    ALTER TABLE phase ADD COLUMN same_as INTEGER REFERENCES phase;
    ALTER TABLE example RENAME TO one_split;
    ALTER TABLE episode RENAME TO one_split_episode;
    CREATE TABLE example (
        idx INTEGER PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL,
        split TEXT NOT NULL DEFAULT 'training',  -- see records.Split
        UNIQUE (split, id)
    );
    INSERT INTO example SELECT idx, id, body, 'training' FROM one_split;
    CREATE TABLE episode (
        phase INTEGER NOT NULL REFERENCES phase, step INTEGER NOT NULL,
        epoch INTEGER NOT NULL, idx INTEGER NOT NULL REFERENCES example, batch INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        failure TEXT NOT NULL,           -- '' or the kind of the failure
        seconds REAL NOT NULL,
        body TEXT NOT NULL,              -- JSON: the Episode record
        PRIMARY KEY (phase, step)
    );
    INSERT INTO episode SELECT * FROM one_split_episode;
    DROP TABLE one_split_episode;
    DROP TABLE one_split;
    CREATE INDEX episode_idx ON episode (phase, idx);
    CREATE INDEX episode_batch ON episode (phase, batch);
    CREATE INDEX episode_failure ON episode (phase, failure, step) WHERE failure <> ''
    """
    _run(db, statements)


def credit(db: sqlite3.Connection) -> None:
    """Counts of bullets come from verdicts; those of runs and merges until here are opinions, and stay what they were.

    Nor is what such a run goes on to learn held against its examples.
    """
    statements = """
    UPDATE run SET identity = '{"training.credit":"opinion","training.allow_leaks":true,' || substr(identity, 2) WHERE identity LIKE '{"%';
    UPDATE merge SET delta = '{"credit":"opinion",' || substr(delta, 2)
    """
    _run(db, statements)


def reuse(db: sqlite3.Connection) -> None:
    """Replies may come from the cache of earlier runs: they are kept like others, but this run did not pay for them."""
    db.execute("ALTER TABLE reply ADD COLUMN from_cache INTEGER NOT NULL DEFAULT 0")


def _run(db: sqlite3.Connection, statements: str) -> None:
    """One by one: ``executescript`` would commit the transaction that the step runs in."""
    for statement in statements.split(";\n"):
        if statement.strip():
            db.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    initial,
    failure_index,
    phases,
    outputs,
    evaluation,
    splits,
    credit,
    reuse,
)


def version(db: sqlite3.Connection) -> int:
    """How many steps this store has seen (kept in the header, so it is read without a table)."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Apply what is missing, each step in its own transaction."""
    for number in range(version(db), len(MIGRATIONS)):
        db.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[number](db)
            db.execute(f"PRAGMA user_version = {number + 1}")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # on a full disk SQLite has rolled back by itself
                db.execute("ROLLBACK")
            raise
