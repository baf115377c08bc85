"""Coverage-guided fuzzing of every reader with atheris: `make fuzz-coverage`. Only AceErrors may come out.

python -m support.coverage_fuzz READER -runs=10000     READER: playbook, reply, dataset, toml, scoring
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ace_cli"]):
    from ace_cli.data import DatasetSpec, read_examples
    from ace_cli.errors import AceError
    from ace_cli.llm.base import ChatReply
    from ace_cli.playbook.formats import dump_playbook, parse_playbook
    from ace_cli.playbook.formats.ace_json import dump_jsonl
    from ace_cli.playbook.formats.paper import dump_paper
    from ace_cli.replies import read_reply
    from ace_cli.scoring import SCORERS
    from ace_cli.settings.layers import load
    from ace_cli.stages.generator import GeneratorReply
    from ace_cli.stages.reflector import ReflectorReply

FOLDER = Path(tempfile.mkdtemp())


def playbook(data: bytes) -> None:
    """What is read can be written, in every form that is read back."""
    found = parse_playbook(data, "fuzzed")
    for dump in (dump_playbook, dump_jsonl, dump_paper):
        parse_playbook(dump(found), "written")


def reply(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for model in (GeneratorReply, ReflectorReply):
        with contextlib.suppress(AceError):
            read_reply(ChatReply(text), model)


def dataset(data: bytes) -> None:
    if not data:
        return
    ending = (".json", ".jsonl", ".csv", ".tsv", ".parquet")[data[0] % 5]
    path = FOLDER / f"rows{ending}"
    path.write_bytes(data[1:])
    for _ in read_examples(
        DatasetSpec(name="custom", input=path, skip_invalid=bool(data[0] & 128)), skipped=[]
    ):
        pass


def toml(data: bytes) -> None:
    path = FOLDER / "settings.toml"
    path.write_bytes(data)
    load({}, path, FOLDER / "nowhere")


def scoring(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    half = len(text) // 2
    for scorer in SCORERS.values():
        scorer(text[:half], text[half:])


READERS: dict[str, Callable[[bytes], None]] = {
    reader.__name__: reader for reader in (playbook, reply, dataset, toml, scoring)
}


def main() -> None:
    read = READERS[sys.argv.pop(1)]

    def once(data: bytes) -> None:
        with contextlib.suppress(AceError):
            read(data)

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
