"""Examples that a playbook was not trained on: told by what they say, not by their ids."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ace_cli.data import ContentHash, DatasetSpec, Example, Skipped, content_key, read_examples
from ace_cli.errors import AceError, UsageError
from ace_cli.playbook import Playbook
from ace_cli.runs.folders import RUNS, run_folders
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import Split


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that a playbook learned from. ``keys`` is None where nobody knows them; ``ids`` are those that its bullets name."""

    keys: frozenset[bytes] | None
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HeldOut:
    """``overlap`` rows were left out, since the playbook was trained on them; ``same_ids`` were kept that only have the id of one."""

    examples: tuple[Example, ...]
    overlap: int
    same_ids: int
    skipped: tuple[Skipped, ...]


def known_rows(playbook: Playbook, run: RunReader | None, spec: DatasetSpec) -> Known:
    """What is known of the rows behind ``playbook``: from its run, or by the hash of them that its header names.

    Args:
        spec: how its dataset is read today.
    """
    ids = frozenset(source for bullet in playbook.bullets for source in bullet.sources)
    if run is not None:
        return Known(_rows_of(run), ids)
    if not playbook.bullets:
        return Known(frozenset())
    keys = _from_its_run(playbook)
    return Known(_found_again(playbook, spec) if keys is None else keys, ids)


def _rows_of(run: RunReader) -> frozenset[bytes]:
    """Those that a run trained on, and those that chose its best version."""
    chosen = (Split.TRAINING, Split.VALIDATION)
    return frozenset(content_key(example) for split in chosen for example in run.all_examples(split))


def _from_its_run(playbook: Playbook) -> frozenset[bytes] | None:
    """The rows of the run that trained ``playbook``, where that stands in the usual folder: it has the hash that the header names."""
    digest = playbook.training_config.get("dataset_hash")
    for folder in run_folders(RUNS) if isinstance(digest, str) and digest else ():
        with contextlib.suppress(AceError), RunReader(folder) as run:
            if run.evaluation() is None and run.header().dataset_hash == digest:
                return _rows_of(run)
    return None


def _found_again(playbook: Playbook, spec: DatasetSpec) -> frozenset[bytes] | None:
    """The rows that the header's hash is of, if they are the first ones of ``spec``, read as the header says."""
    config = playbook.training_config
    count, digest = config.get("num_examples"), config.get("dataset_hash")
    if not isinstance(count, int) or count < 1 or not isinstance(digest, str) or not digest:
        return None
    split, seed = config.get("split"), config.get("seed")
    read = replace(
        spec,
        num_examples=count,
        split=split if isinstance(split, str) else spec.split,
        shuffle=config.get("shuffle") is True,
        seed=seed if isinstance(seed, int) else spec.seed,
        fields=replace(spec.fields, cluster=None),
    )
    content, keys = ContentHash(), set()
    try:
        for example in read_examples(read, []):
            content.update(example)
            keys.add(content_key(example))
    except UsageError:
        return None
    return frozenset(keys) if content.hexdigest() == digest else None


def held_out(
    rows: Iterable[Example], known: Iterable[Known], wanted: int | None, skipped: list[Skipped], name: str
) -> HeldOut:
    """The first ``wanted`` rows (None: all) that are not among the known ones.

    Args:
        skipped: the bad rows that reading ``rows`` leaves out.
        name: of the dataset, for errors.

    Raises:
        UsageError: there are none.
    """
    known = tuple(known)
    seen = frozenset[bytes]().union(*(one.keys or () for one in known))
    ids = frozenset[str]().union(*(one.ids for one in known if one.keys is None))
    overlap = 0

    def unseen() -> Iterator[Example]:
        nonlocal overlap
        for example in rows:
            if content_key(example) in seen:
                overlap += 1
            else:
                yield example

    examples = tuple(islice(unseen(), wanted))
    if not examples:
        raise UsageError(
            f"all {overlap} rows of {name} are among those that the playbook was trained on"
            if overlap
            else f"{name} has no rows",
            "Name rows that were kept aside: --input FILE, or --split NAME.",
        )
    same = sum(example.id in ids for example in examples)
    return HeldOut(examples, overlap, same, tuple(skipped))
