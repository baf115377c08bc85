"""Hugging Face datasets through the real `datasets` code, from a local folder in hub layout."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from ace_cli.data import DatasetSpec, Example, read_examples, source_fingerprint
from ace_cli.errors import UsageError

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "fixtures" / "gsm8k_train_20.jsonl").read_text().splitlines()
]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("the test has no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def parquet_folder(tmp_path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "gsm8k-copy"
    (folder / "data").mkdir(parents=True)
    for split, rows in (("train", ROWS[:15]), ("test", ROWS[15:])):
        pq.write_table(pa.Table.from_pylist(rows), folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.fixture
def jsonl_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "lines"
    folder.mkdir()
    for split, rows in (("train", ROWS[:15]), ("validation", ROWS[15:])):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_folder_of_parquet_files_by_split(parquet_folder: Path, no_network: None) -> None:
    train = list(read_examples(DatasetSpec(str(parquet_folder))))
    assert len(train) == 15
    assert train[0] == Example("train-000001", ROWS[0]["question"], "72")
    test = list(read_examples(DatasetSpec("custom", input=parquet_folder, split="test", num_examples=2)))
    assert [example.id for example in test] == ["test-000001", "test-000002"]
    assert len(source_fingerprint(DatasetSpec(str(parquet_folder)))["files"]) == 2


def test_a_folder_of_json_lines_by_split(jsonl_folder: Path, no_network: None) -> None:
    shuffled = list(read_examples(DatasetSpec(str(jsonl_folder), split="validation", shuffle=True, seed=1)))
    assert sorted(example.id for example in shuffled) == [
        f"validation-{number:06d}" for number in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"split": "tset"}, "has no split 'tset'", "train, test. Use --split test"),
        ({"config": "socratic"}, "has no configuration 'socratic'", "default"),
    ],
)
def test_what_a_folder_does_not_have(
    options: dict[str, Any], message: str, hint: str, parquet_folder: Path, no_network: None
) -> None:
    with pytest.raises(UsageError) as caught:
        list(read_examples(DatasetSpec(str(parquet_folder), **options)))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_empty_folder_and_one_with_a_damaged_file(
    tmp_path: Path, jsonl_folder: Path, no_network: None
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no data files"):
        list(read_examples(DatasetSpec(str(tmp_path / "empty"))))
    (jsonl_folder / "train.jsonl").write_text('{"question": "q", "answer": "a"}\n{"question": \n')
    with pytest.raises(UsageError, match="cannot read") as caught:
        list(read_examples(DatasetSpec(str(jsonl_folder))))
    assert "\n" not in caught.value.message


def test_a_bad_row_of_a_folder_is_named_by_its_number(jsonl_folder: Path, no_network: None) -> None:
    (jsonl_folder / "train.jsonl").write_text(
        '{"question": "q", "answer": "a"}\n{"question": "", "answer": "a"}\n'
    )
    with pytest.raises(UsageError, match="lines, row 2: the field 'question' is empty"):
        list(read_examples(DatasetSpec(str(jsonl_folder))))


@pytest.mark.parametrize("name", ["gsm8k", "owner/name", "owner/name:config", "gms8k"])
def test_without_a_network_the_hub_is_one_line_and_a_hint(name: str, no_network: None) -> None:
    with pytest.raises(UsageError) as caught:
        list(read_examples(DatasetSpec(name)))
    assert "cannot reach the Hugging Face hub" in caught.value.message
    assert "--dataset custom --input FILE" in caught.value.hint
    if name == "gms8k":
        assert "Did you mean gsm8k?" in caught.value.hint


def test_the_hub_is_not_asked_when_the_user_says_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE"):
        list(read_examples(DatasetSpec("owner/name")))
