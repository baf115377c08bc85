"""Reading playbooks: every kind that is out there, and everything that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook, PlaybookStage, Section
from ace_cli.playbook.formats import dump_playbook, parse_playbook, read_playbook
from ace_cli.playbook.formats.ace_json import dump_jsonl

GOLDEN = Path(__file__).parents[1] / "golden"
LESSON = {"id": "B001", "content": "Check the units."}


def parse(value: object) -> Playbook:
    text = value if isinstance(value, str) else json.dumps(value)
    return parse_playbook(text.encode("utf-8", "surrogatepass"), "pb")


SAME = {
    "our file": {"version": "v1.0.0", "bullets": [LESSON]},
    "our file without a version": {"bullets": [LESSON]},
    "a minor version to come": {"version": "v1.42.7", "bullets": [LESSON], "new": 1},
    "a version as a number": {"version": 1.0, "bullets": [LESSON]},
    "a checkpoint": {"timestamp": "2026-03-01", "config": {}, "metrics": {}, "playbook": [LESSON]},
    "a list": [LESSON],
    "JSONL with a header": '{"version": "v1.0.0", "training_config": {}}\n' + json.dumps(LESSON) + "\n",
    "JSONL without a header": json.dumps(LESSON),
    "JSONL with Windows line ends": "\r\n" + json.dumps(LESSON) + "\r\n",
    "a byte order mark": "\ufeff" + json.dumps([LESSON]),
    "the paper's form": "## STRATEGIES & INSIGHTS\n[B001] helpful=0 harmful=0 :: Check the units.\n",
    "the paper's form, no header": "[B001] helpful=0 harmful=0 :: Check the units.",
    "the paper's form, Windows": "## OTHER\r\n\r\n[B001] helpful=0 harmful=0 :: Check the units.\r\n",
    "a skillbook": {"skills": {"B001": {"section": "units", "content": "Check the units.", "helpful": 0}}},
    "an older skillbook": {"bullets": {"B001": {"content": "Check the units.", "section": "helpful"}}},
    "a skillbook with a list": {"skills": [{"id": "B001", "content": "Check the units."}]},
}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME.keys())
def test_the_same_lesson_is_read_from_every_kind_of_file(value: object) -> None:
    (bullet,) = parse(value).bullets
    assert (bullet.id, bullet.content, bullet.domain_id) == ("B001", "Check the units.", "general")
    assert (bullet.section, bullet.stage, bullet.confidence) == (Section.HELPFUL, PlaybookStage.SHADOW, 0.5)


BAD = {
    "empty": ("", "is empty"),
    "blank": (" \n\t\n", "is empty"),
    "only a byte order mark": ("\ufeff", "is empty"),
    "prose": ("Dear reader,\nthis is a letter.", "is not a playbook"),
    "binary": ("\x7fELF\x00\x01", "binary"),
    "a database": ("SQLite format 3\x00", "name the run's folder"),
    "Parquet": ("PAR1....", "Parquet"),
    "a zip": ("PK\x03\x04", "zip"),
    "a number": ("42", "is not a playbook"),
    "other JSON": ({"name": "x"}, "has no 'bullets'"),
    "bullets of a wrong kind": ({"bullets": 3}, "'bullets' is int"),
    "a later version": ({"version": "v2.0.0", "bullets": []}, "version v2.0.0; this ace reads version 1"),
    "a much later version": ({"version": 17, "bullets": []}, "version v17"),
    "no version": ({"version": "latest", "bullets": []}, "'version' is 'latest'"),
    "a version in a list": ({"version": [1], "bullets": []}, "'version' is [1]"),
    "created_at of a wrong kind": ({"created_at": 7, "bullets": []}, "'created_at' is int"),
    "config of a wrong kind": ({"training_config": [], "bullets": []}, "'training_config' is list"),
    "half a file": ('{"bullets": [{"id": "B001", "cont', "is cut off at line 1, column 34"),
    "half a file of many lines": ('{\n "bullets": [\n  {"id": "B1"},\n', "is cut off at line 4"),
    "broken JSON": ('{"bullets": [}]}', "not valid JSON"),
    "half a line of JSONL": (json.dumps(LESSON) + '\n{"id": "B0', "line 2 is not JSON"),
    "nested beyond reason": ("[" * 100_000, "not valid JSON"),
    "nested beyond reason, with a surrogate": ('["\\ud800",' + "[" * 100_000, "not valid JSON"),
    "ids twice": (
        [LESSON, {"id": "B2", "content": "x"}, LESSON],
        "bullet 3 has the id 'B001', as bullet 1 has",
    ),
    "ids twice in JSONL": (
        json.dumps(LESSON) + "\n\n" + json.dumps(LESSON),
        "line 3 has the id 'B001', as line 1",
    ),
    "ids twice on paper": (
        "[a] helpful=0 harmful=0 :: x\n[a] helpful=0 harmful=0 :: y",
        "bullet 2 has the id 'a'",
    ),
    "an id of two lines": ([{"id": "a\nb", "content": "x"}], "not one printable line"),
    "no id": ([{"content": "x"}], "bullet 1 has no 'id'"),
    "no content": ([{"id": "x"}], "bullet 1 has no 'content'"),
    "blank content": ([LESSON | {"content": " "}], "bullet 1: 'content' is empty"),
    "a list of texts": (["x"], "bullet 1 is str, not an object"),
    "a count below zero": ([LESSON | {"helpful_count": -1}], "'helpful_count' is -1"),
    "confidence above one": ([LESSON | {"confidence": 1.5}], "not between 0 and 1"),
    "an unknown section": ([LESSON | {"section": "tips"}], "'section' is 'tips'"),
    "an unknown stage": ([LESSON | {"stage": "live"}], "'stage' is 'live'"),
    "confidence that is true": ([LESSON | {"confidence": True}], "'confidence' is True, not a number"),
    "a count of halves": ([LESSON | {"helpful_count": 0.5}], "'helpful_count' is 0.5, not a count"),
    "a count that is text": ([LESSON | {"activation_count": "9"}], "not a count"),
    "sources that are no list": ([LESSON | {"sources": "x"}], "not a list of texts"),
    "sources of numbers": ([LESSON | {"sources": [1]}], "not a list of texts"),
    "a skill that is text": ({"skills": {"a": "x"}}, "skill 'a' is str"),
    "half a bullet on paper": ("## A\n[a] helpful=1 harmful=0 :: x\n[b] helpful=", "line 3 is not a bullet"),
    "text before the bullets": ("## A\nhello\n[a] helpful=1 harmful=0 :: x", "line 2 is not a bullet"),
    "a count of 30 digits": (f"[a] helpful={'9' * 30} harmful=0 :: x", "not a count"),
}


@pytest.mark.parametrize(("value", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_no_playbook_is_one_clear_line(value: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(value)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith(("pb", "checkpoint pb"))
    assert len(caught.value.message) < 300


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"\xff\xfe[\x00]\x00", b"## \xc3\x28", b'{"bullets": "\xff"}', b"\x1f\x8b\x08"):
        with pytest.raises(UsageError):
            parse_playbook(data, "pb")


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.json", "does not exist"),
        (tmp_path, "is a folder"),
        (Path("a\0b"), "cannot read"),
    ):
        with pytest.raises(UsageError, match=message):
            read_playbook(path)


def test_unknown_fields_and_a_minor_version_survive_reading_and_writing() -> None:
    file = {
        "version": "v1.9.0",
        "owner": {"team": [1, None]},
        "bullets": [LESSON | {"color": "red", "n": 2.5}],
    }
    for written in (dump_playbook(parse(file)), dump_jsonl(parse(file))):
        again = parse(written.decode())
        assert (again.version, again.extra) == ("v1.9.0", {"owner": {"team": [1, None]}})
        assert again.bullets[0].extra == {"color": "red", "n": 2.5}


def test_null_fields_take_their_defaults() -> None:
    empty = dict.fromkeys(("domain_id", "section", "stage", "confidence", "sources", "created_at"))
    (bullet,) = parse(
        {"version": None, "created_at": None, "training_config": None, "bullets": [LESSON | empty]}
    ).bullets
    assert bullet == Bullet(LESSON["id"], LESSON["content"])


def test_an_unknown_field_is_kept_where_a_known_one_is_missing() -> None:
    row = Bullet("B1", "x").to_dict() | {"color": "red"}
    del row["updated_at"]
    assert parse([row]).bullets == (Bullet("B1", "x", extra={"color": "red"}),)


def test_whole_numbers_are_counts_and_shares_whichever_way_they_are_written() -> None:
    (bullet,) = parse([LESSON | {"confidence": 1, "helpful_count": 3.0}]).bullets
    assert json.loads(dump_jsonl(Playbook((bullet,))).splitlines()[1])["confidence"] == 1.0
    assert (repr(bullet.confidence), repr(bullet.helpful_count)) == ("1.0", "3")


def test_a_checkpoint_brings_its_time_and_config() -> None:
    playbook = parse({"timestamp": "2026-03-01", "config": {"dataset": "gsm8k"}, "playbook": [LESSON]})
    assert (playbook.created_at, playbook.training_config) == ("2026-03-01", {"dataset": "gsm8k"})


def test_lone_surrogates_are_replaced_and_nul_is_kept() -> None:
    (bullet,) = parse(
        '[{"id": "B1", "content": "a\\ud800b \\u0000 \\ud83d\\ude00", "k\\udfff": ["\\udc00"]}]'
    ).bullets
    assert bullet.content == "a\ufffdb \0 😀"
    assert bullet.extra == {"k\ufffd": ["\ufffd"]}


def test_a_bullet_with_a_surrogate_or_a_huge_number_can_be_written() -> None:
    bullet = Bullet(id="B1", content="a\ud800", extra={"n": 2**80})
    for dump in (dump_playbook, dump_jsonl):
        text = dump(Playbook(bullets=(bullet,))).decode()
        assert "a\ufffd" in text
        assert str(2**80) in text


def test_the_papers_sections_tell_strategies_from_pitfalls_and_are_kept() -> None:
    playbook = parse(
        "## FORMULAS & CALCULATIONS\n[calc-1] helpful=3 harmful=1 :: a\nmore of a\n"
        "## COMMON MISTAKES TO AVOID | domain: finance\n[err-1] helpful=0 harmful=0 :: b :: c\n"
        "## OBSERVATIONS\n[o]helpful=0 harmful=2 neutral=4 ::d"
    )
    first, second, third = playbook.bullets
    assert (first.content, first.confidence, first.section) == ("a\nmore of a", 0.6667, Section.HELPFUL)
    assert first.extra == {"paper_section": "FORMULAS & CALCULATIONS"}
    assert (second.content, second.domain_id, second.section) == ("b :: c", "finance", Section.HARMFUL)
    assert (third.content, third.harmful_count, third.section) == ("d", 2, Section.NEUTRAL)


def test_another_tools_skillbook_keeps_what_we_do_not_know() -> None:
    playbook = parse(
        {
            "skills": {
                "a-1": {"id": "a-1", "section": "common_mistakes", "content": "x", "helpful": 2, "harmful": 1,
                        "neutral": 3, "created_at": "2026-01-01", "status": "active"},
                "a-2": {"section": "general", "content": "y", "status": "invalid"},
            },
            "sections": {"common_mistakes": ["a-1"]},
            "next_id": 3,
        }
    )  # fmt: skip
    first, second = playbook.bullets
    assert (first.helpful_count, first.harmful_count, first.neutral_count) == (2, 1, 3)
    assert (first.section, first.confidence, first.created_at) == (Section.HARMFUL, 0.6, "2026-01-01")
    assert first.extra == {"paper_section": "common_mistakes", "status": "active"}
    assert (second.id, second.is_quarantined) == ("a-2", True)


def test_empty_playbooks_are_playbooks() -> None:
    for text in ("[]", '{"bullets": []}', "## STRATEGIES & INSIGHTS\n", '{"skills": {}}'):
        assert len(parse(text)) == 0
    for dump in (dump_playbook, dump_jsonl):
        assert parse(dump(Playbook()).decode()) == Playbook()


def test_our_own_file_is_written_as_it_was_read() -> None:
    data = (GOLDEN / "playbook.json").read_bytes()
    assert json.loads(dump_playbook(read_playbook(GOLDEN / "playbook.json"))) == json.loads(data)
