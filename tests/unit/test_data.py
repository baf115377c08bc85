"""Examples out of every kind of file, and what is said when the data is bad."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ace_cli.data import (
    ContentHash,
    DatasetLoader,
    DatasetSpec,
    Example,
    FieldMap,
    Skipped,
    jsonfile,
    read_examples,
    source_fingerprint,
)
from ace_cli.errors import AceError, UsageError
from support.fuzzing import usually

GSM8K = Path(__file__).parents[1] / "fixtures" / "gsm8k_train_20.jsonl"

ROWS: list[dict[str, Any]] = [
    {"question": "Two and two?", "answer": 4},
    {
        "question": "Größe, “quoted”\nand more?",
        "answer": "1,080",
        "domain": "maths",
        "id": "q-2",
        "context": "a, b",
    },
    {"question": "True?", "answer": True, "domain": None},
]
EXAMPLES = [
    Example("row-000001", "Two and two?", "4"),
    Example("q-2", "Größe, “quoted”\nand more?", "1,080", "maths", "a, b"),
    Example("row-000003", "True?", "true"),
]


def read(path: Path, skipped: list[Skipped] | None = None, **options: Any) -> list[Example]:
    return list(read_examples(DatasetSpec("custom", input=path, **options), skipped))


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def csv_text(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    import csv

    out = io.StringIO()
    writer = csv.DictWriter(out, ["question", "answer", "domain", "id", "context"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows({**row, "answer": "true" if row["answer"] is True else row["answer"]} for row in rows)
    return out.getvalue()


FILES: dict[str, str | bytes] = {
    "array.json": json.dumps(ROWS, indent=1),
    "data.json": json.dumps({"version": 1, "data": ROWS}),
    "splits.json": json.dumps({"test": [{}], "train": ROWS}),
    "lines.json": lines(ROWS),
    "rows.jsonl": lines(ROWS),
    "rows.ndjson": lines(ROWS),
    "blank.jsonl": "\n" + lines(ROWS).replace("\n", "\r\n\r\n"),
    "mark.jsonl": b"\xef\xbb\xbf" + lines(ROWS).encode(),
    "wide.jsonl": json.dumps(ROWS[0]).join(["", "\n"]).encode("utf-16") + lines(ROWS[1:]).encode("utf-16-le"),
    "bare.jsonl": lines(ROWS).encode("utf-16-be"),
    "wide.json": json.dumps(ROWS, ensure_ascii=False).encode("utf-32"),
    "rows.csv": csv_text(ROWS),
    "semicolon.csv": csv_text(ROWS, ";"),
    "rows.tsv": csv_text(ROWS, "\t"),
    "wide.csv": csv_text(ROWS).encode("utf-16"),
    "ROWS.JSONL": lines(ROWS),
    "rows.jsonl.gz": gzip.compress(lines(ROWS).encode()),
    "rows.csv.gz": gzip.compress(csv_text(ROWS).encode()),
}


@pytest.mark.parametrize("name", FILES)
def test_the_same_rows_come_out_of_every_file(name: str, tmp_path: Path) -> None:
    assert read(put(tmp_path, name, FILES[name])) == EXAMPLES


def test_the_same_rows_come_out_of_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{**row, "answer": str(row["answer"]).lower(), "unused": b"\xff"} for row in ROWS]
    names = ("question", "answer", "domain", "id", "context", "unused")
    pq.write_table(
        pa.table({name: [row.get(name) for row in rows] for name in names}), tmp_path / "rows.parquet"
    )
    assert read(tmp_path / "rows.parquet") == EXAMPLES
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "rows.parquet", fields=FieldMap(answer="solution"))
    assert "row 1: there is no field 'solution'" in caught.value.message
    assert "unused" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("a.jsonl", '{"question": "q", "answer": "a"}\n\n{"question": \n', "line 3: not JSON: Expecting value", "--skip-invalid"),
        ("a.jsonl", '{"quest": "q", "answer": "a"}', "line 1: there is no field 'question'", "Perhaps --question-field quest?"),
        ("a.jsonl", '{"prompt": "q", "gold": "a"}', "line 1: there is no field 'question' and no 'answer'", "prompt, gold. Name them with --question-field and --answer-field."),
        ("a.csv", "Question,Antwort\nq,a\n", "line 2: there is no field 'answer'", "Question, Antwort. Name the right one with --answer-field"),
        ("a.jsonl", '{"row": {"question": "q", "answer": "a"}}', "no field 'question'", "Available fields: row.question, row.answer. Name them"),
        ("a.jsonl", '{"row": {"q": "q"}, "answer": "a"}', "no field 'question'", "row.q, answer. Name the right one with --question-field"),
        ("a.jsonl", '{"row": {"question": "q"}, "answer": "a"}', "no field 'question'", "Perhaps --question-field row.question?"),
        ("a.jsonl", '{"question": {"text": "q"}, "answer": "a"}', "'question' is not text but an object", "--question-field question.text"),
        ("a.csv", "question,answer\nq,\nq,a\nq,\n,a\n", "line 2: the field 'answer' is empty (3 of 4 rows are bad)", "--skip-invalid"),
        ("a.jsonl", '{"question": "q", "target": "a"}', "no field 'answer'", "--answer-field"),
        ("a.jsonl", '{"question": " ", "answer": "a"}', "line 1: the field 'question' is empty", ""),
        ("a.jsonl", '{"question": "q", "answer": null}', "line 1: the field 'answer' is empty", ""),
        ("a.jsonl", '{"question": "q", "answer": ["a"]}', "'answer' is not text but a list", "answer.0"),
        ("a.jsonl", '{"question": "q", "answer": "a", "domain": {}}', "'domain' is not text but an object", ""),
        ("a.jsonl", '{"question": "q", "answer": NaN}', "'answer' is not text but nan", ""),
        ("a.jsonl", '["q", "a"]', "line 1: expected an object with question and answer, found a list", ""),
        ("a.jsonl", b'{"question": "q", "answer": "a"}\n{"question": "\xff"}', "line 2: not utf-8 text", "UTF-8"),
        ("a.jsonl", '{"id": 1, "question": "q", "answer": "a"}\n' * 2, "line 2: the id '1' was used before, at line 1", "--id-field"),
        ("a.jsonl", '{"question": "q', "line 1: not JSON: Unterminated string starting at, column 14", ""),
        ("a.jsonl", "[" * 100_000, "line 1: not readable as JSON: nested too deeply", ""),
        ("a.jsonl", "", "holds no rows", ""),
        ("a.json", "", "holds nothing", ""),
        ("a.json", "[]", "holds no rows", ""),
        ("a.json", '"text"', "holds no list of rows", ""),
        ("a.json", '{"question": "q"}', "one object without a list of rows", "available fields: question"),
        ("a.json", '[\n {"question": "q", "answer": "a"},\n {"question" "q"}]', "not valid JSON: Expecting ':' delimiter, line 3, column 14", ""),
        ("a.json", '[{"question": "q", "answer": "a"}', "the file ends where ',' is expected", ""),
        ("a.json", '[{"question": "q", "answer": "a"}] x', "more text after the end of the array, line 1, column 36", ""),
        ("a.json", '[\n{"question": "q", "answer": "a"},\n{"question": ""}]', "row 2 (line 3): the field 'question' is empty", ""),
        ("a.json", "[" + "9" * 5000 + "]", "not valid JSON", ""),
        ("a.json", "[" * 100_000, "nested too deeply", ""),
        ("a.csv", "", "is empty", "header"),
        ("a.csv", "question,answer\n", "holds no rows", ""),
        ("a.csv", "question,answer\na,b\nc,d,e\n", "line 3: 3 fields, but the header has 2", ""),
        ("a.csv", "question,answer\na\n", "line 2: the field 'answer' is empty", ""),
        ("a.csv", 'question,answer\n"a\nb",1\n"c,2\nd,3\n', "line 4: not valid CSV", "written twice"),
        ("a.csv", "question,answer,answer\na,b,c\n", "the header names 'answer' twice", ""),
        ("a.csv", "q,answer\na,b\n", "line 2: there is no field 'question'", "q, answer"),
        ("a.parquet", b"PAR1 no", "cannot be read as Parquet", ""),
        ("a.jsonl.gz", b"no", "cannot be unpacked", ""),
        ("a.jsonl.gz", gzip.compress(b"x" * 999, mtime=0)[:20], "cannot be unpacked", ""),
        ("a.txt", "x", "cannot read .txt", ".jsonl"),
        ("a", "x", "a file without an extension", ".jsonl"),
    ],
)  # fmt: skip
def test_bad_data_is_one_line_and_a_hint(
    name: str, content: str | bytes, message: str, hint: str, tmp_path: Path
) -> None:
    path = put(tmp_path, name, content)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert message in caught.value.message
    assert path.name in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint


def test_headers_are_matched_without_case(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "Question, ANSWER ,Domain,ID\nq,a,d,x\n")
    assert read(path) == [Example("x", "q", "a", "d")]
    both = put(tmp_path, "b.csv", "Question,question,answer\nupper,lower,a\n")
    assert read(both)[0].question == "lower", "the exact one wins"


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ({"name": "custom"}, "--dataset custom needs --input", "--input"),
        ({"name": "custom", "input": Path("rows.jsn")}, "there is no file rows.jsn", "rows.json"),
        ({"name": "custom", "input": Path("none/rows.json")}, "there is no file none", "no folder none"),
        ({"name": "./rows.jsn"}, "there is no file", "rows.json"),
        ({"name": "rows.jsonl"}, "there is no file rows.jsonl", "rows.json"),
        (
            {"name": "owner/name", "input": Path("rows.json")},
            "both --dataset owner/name and --input",
            "one of them",
        ),
        ({"name": "what is this"}, "neither a known name, a path, nor a Hugging Face id", "gsm8k"),
        ({"name": "x" * 5000}, "neither a known name", ""),
        ({"name": "\0"}, "neither a known name", ""),
        ({"name": "custom", "input": Path("a\0.json")}, "", ""),
        ({"name": "custom", "input": Path("rows.json"), "num_examples": 0}, "at least 1", ""),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    spec: dict[str, Any], message: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "rows.json", json.dumps(ROWS))
    with pytest.raises(UsageError) as caught:
        list(read_examples(DatasetSpec(**spec)))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_bad_rows_can_be_skipped_and_are_listed(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.jsonl", '{"question": "q"}\nno\n' + lines(ROWS) + lines(ROWS[1:2]) + "5\n")
    skipped: list[Skipped] = []
    found = read(path, skipped, skip_invalid=True)
    assert [example.question for example in found] == [row["question"] for row in ROWS]
    assert [row.place for row in skipped] == ["line 1", "line 2", "line 6", "line 7"]
    assert str(skipped[0]) == f"{path}, line 1: there is no field 'answer'"
    assert "at line 4" in skipped[2].reason


def test_a_file_of_nothing_but_bad_rows_is_an_error_even_when_they_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"all 2 rows are bad; the first is .*line 1"):
        read(put(tmp_path, "rows.jsonl", "1\n2\n"), skip_invalid=True)


def test_fields_have_the_names_that_the_user_gives(tmp_path: Path) -> None:
    row = {
        "context": "What is 1 + 1?",
        "target": 2.0,
        "kind": "sums",
        "passages": ["a", "b"],
        "nr": 7,
        "deep": {"list": [{"x": "y"}]},
    }
    path = put(tmp_path, "rows.jsonl", json.dumps(row))
    fields = FieldMap(question="context", answer="target", domain="kind", id="nr")
    assert read(path, fields=fields) == [Example("7", "What is 1 + 1?", "2.0", "sums", "")]
    fields = FieldMap(question="context", answer="deep.list.0.x", context="passages")
    assert read(path, fields=fields) == [
        Example("row-000001", "What is 1 + 1?", "y", "general", '["a", "b"]')
    ]
    fields = FieldMap(question="context", answer="target", domain="kind", id="nr", context="passages")
    assert read(path, fields=fields)[0].context == '["a", "b"]'
    swapped = FieldMap(question="domain", answer="target", domain="kind")  # the name of one, given to another
    path = put(tmp_path, "swapped.jsonl", json.dumps(row | {"domain": "What is 1 + 1?"}))
    assert read(path, fields=swapped)[0].domain == "sums"
    with pytest.raises(UsageError, match="no field 'topic'"):
        read(path, fields=FieldMap(question="context", answer="target", domain="topic"))


def test_hostile_text_is_kept_but_for_what_no_file_can_hold(tmp_path: Path) -> None:
    text = "\x1b[31m[bold]<script>=1+1</script>"
    path = put(tmp_path, "rows.jsonl", '{"question": "\\ud800 \\u0000", "answer": ' + json.dumps(text) + "}")
    assert read(path) == [Example("row-000001", "\ufffd \ufffd", text)]
    big = "x" * 2**20
    assert read(put(tmp_path, "rows.csv", f'question,answer\n"{big}",1\n'))[0].question == big


def test_the_truth_of_gsm8k_rows_is_what_follows_the_mark() -> None:
    answers = [example.answer for example in read(GSM8K)]
    assert len(answers) == 20
    assert answers[:3] == ["72", "10", "5"]
    assert DatasetLoader().spec.name == "gsm8k"
    assert list(read_examples(DatasetSpec("gsm8k", input=GSM8K))) == read(GSM8K)


def test_the_first_rows_come_in_order_and_no_further_row_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.jsonl", GSM8K.read_text() + "no JSON")
    assert read(path, num_examples=7) == read(GSM8K)[:7]
    assert len(read(GSM8K, num_examples=1000)) == 20


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_a_larger_sample_begins_with_the_smaller_one(seed: int) -> None:
    everything = read(GSM8K, shuffle=True, seed=seed)
    assert sorted(example.id for example in everything) == [example.id for example in read(GSM8K)]
    for size in (1, 5, 19, 20, 30):
        assert read(GSM8K, shuffle=True, seed=seed, num_examples=size) == everything[:size]
    assert everything != read(GSM8K, shuffle=True, seed=seed + 1)


def test_rows_never_sit_in_memory_all_at_once(tmp_path: Path) -> None:
    rows = [
        {"question": f"How much is {number} and one? {'x' * 3000}", "answer": number + 1}
        for number in range(2_000)
    ]
    for name, text, texts_in_memory in (
        ("rows.json", json.dumps(rows), 2),  # its bytes and its characters, but no list of rows
        ("rows.jsonl", lines(rows), 0),
        ("rows.csv", csv_text(rows), 0),
    ):
        path = put(tmp_path, name, text)
        tracemalloc.start()
        count = sum(1 for _ in read_examples(DatasetSpec("custom", input=path)))
        count += sum(
            1 for _ in read_examples(DatasetSpec("custom", input=path, shuffle=True, num_examples=10))
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 2_010
        assert peak < 4 * 2**20 + texts_in_memory * len(text), (
            f"{name}: {peak / 2**20:.1f} MB for a file of {path.stat().st_size / 2**20:.1f} MB"
        )


def test_the_content_hash_is_of_what_is_said_wherever_it_is_kept(tmp_path: Path) -> None:
    def digest(examples: list[Example]) -> str:
        content = ContentHash()
        for example in examples:
            content.update(example)
        return content.hexdigest()

    same = {
        digest(read(put(tmp_path, name, FILES[name]))) for name in ("array.json", "rows.jsonl", "rows.csv")
    }
    assert len(same) == 1
    assert digest(EXAMPLES[::-1]) not in same
    assert digest([Example("ab", "c", "d")]) != digest([Example("a", "bc", "d")])


def test_the_fingerprint_changes_with_the_file(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.jsonl", lines(ROWS))
    spec = DatasetSpec("custom", input=path)
    before = source_fingerprint(spec)
    assert json.loads(json.dumps(before)) == before == source_fingerprint(spec)
    put(tmp_path, "rows.jsonl", lines(ROWS[:2]))
    assert source_fingerprint(spec) != before
    folder = source_fingerprint(DatasetSpec(str(tmp_path)))
    assert [name for name, *_ in folder["files"]] == [str(path.resolve())]
    assert source_fingerprint(DatasetSpec()) == {"hub": "openai/gsm8k", "config": "main", "split": "train"}
    assert source_fingerprint(DatasetSpec("custom", input=tmp_path / "none.json")) == {
        "missing": str(tmp_path / "none.json")
    }


def test_the_loader_of_the_python_api(tmp_path: Path) -> None:
    path = put(tmp_path, "rows.json", json.dumps([*ROWS, {}]))
    loader = DatasetLoader(dataset_name="custom", skip_invalid=True)
    assert loader.load_from_json(str(path), num_examples=2) == EXAMPLES[:2]
    assert loader.load_from_json(path) == EXAMPLES
    assert [row.place for row in loader.skipped] == ["row 4 (line 1)"]
    assert DatasetLoader("custom", input=path, skip_invalid=True).load(1) == EXAMPLES[:1]
    with pytest.raises(UsageError, match="no option 'inputs'"):
        DatasetLoader(inputs=path)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["question", "answer", "id", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.jsonl.gz", "a.csv.gz"]
FUZZ = settings(
    max_examples=usually(200), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def check_only_known_errors(path: Path) -> None:
    for skip in (False, True):
        said, examples = "", []
        try:
            examples = list(read_examples(DatasetSpec("custom", input=path, skip_invalid=skip)))
        except AceError as error:
            said = error.message
        assert "\n" not in said
        for example in examples:
            assert (
                "\0" not in f"{example.id}{example.question}{example.answer}{example.domain}{example.context}"
            )
            example.question.encode()  # every text can be stored


@FUZZ
@given(content=st.binary(), name=st.sampled_from(NAMES))
def test_no_bytes_make_a_reader_fail_otherwise(content: bytes, name: str, tmp_path: Path) -> None:
    check_only_known_errors(put(tmp_path, name, content))


@FUZZ
@given(
    value=JSONISH,
    name=st.sampled_from(NAMES[:4]),
    cut=st.integers(0, 200),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le"]),
)
def test_no_json_makes_a_reader_fail_otherwise(
    value: object, name: str, cut: int, encoding: str, tmp_path: Path
) -> None:
    text = json.dumps([value, value])
    check_only_known_errors(put(tmp_path, name, (text[:-cut] if cut else text).encode(encoding, "replace")))


@FUZZ
@given(at=st.integers(0, 2000), byte=st.integers(0, 255), cut=st.integers(0, 50))
def test_a_damaged_parquet_file_never_fails_otherwise(at: int, byte: int, cut: int, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    good = tmp_path / "good.parquet"
    if not good.exists():
        pq.write_table(pa.table({"question": ["q"] * 5, "answer": ["a"] * 5}), good)
    content = bytearray(good.read_bytes())
    content[at % len(content)] = byte
    check_only_known_errors(put(tmp_path, "bad.parquet", bytes(content[: len(content) - cut])))


def rows_or_error(text: str) -> tuple[list[str], str]:
    found: list[str] = []
    try:
        found.extend(json.dumps(row.value) for row in jsonfile.read_json(io.StringIO(text), "x", "train"))
    except UsageError as error:
        return found, error.message
    return found, ""


@FUZZ
@given(
    rows=st.lists(JSONISH, min_size=1, max_size=5),
    indent=st.sampled_from([None, 1]),
    at=st.integers(1, 300),
    noise=st.sampled_from(["", "x", "}", "]", ",", '"', "\n"]),
)
def test_json_read_row_by_row_is_what_json_reads(
    rows: list[object], indent: int | None, at: int, noise: str
) -> None:
    whole = [json.dumps(row) for row in rows]
    in_object = json.dumps({"version": 1.5e10, "rows": rows, "more": []}, indent=indent)
    assert rows_or_error(in_object) == (whole, "")
    text = json.dumps(rows, indent=indent)
    assert rows_or_error(text) == (whole, "")
    text = text[:at] + noise + text[at + 1 :]  # damaged, or changed
    found, message = rows_or_error(text)
    try:
        expected, place = [json.dumps(row) for row in json.loads(text)], ""
    except json.JSONDecodeError as error:
        expected, place = found, f"line {error.lineno}, column {error.colno}"
    assert found == expected
    assert message.endswith(place)
    assert bool(message) == bool(place)
