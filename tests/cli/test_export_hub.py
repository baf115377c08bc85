"""`ace export --format hub`: a folder that a hub for data sets takes as it is, and that `datasets` loads."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.evidence import Evidence, content_hash, with_evidence
from ace_cli.playbook.formats import dump_playbook, read_playbook
from ace_cli.playbook.formats.card import dump_card
from ace_cli.playbook.formats.markdown import dump_skill
from support.inside import Inside

yaml = pytest.importorskip("yaml")

PLAYBOOK = Path(__file__).parents[1] / "golden/playbook.json"
FILES = ["README.md", "bullets.parquet", "playbook.json"]


def front_matter(card: str) -> dict[str, Any]:
    before, front, _ = card.split("---\n", 2)
    assert before == ""
    read = yaml.safe_load(front)
    assert isinstance(read, dict)
    return read


def evidence(playbook: Playbook, **more: Any) -> Evidence:
    values: dict[str, Any] = {
        "at": "2026-11-24T11:29:11Z",
        "model": "openai/small|one",
        "dataset": "tickets",
        "against": "",
        "rows": 1240,
        "repeats": 3,
        "gain": 0.18,
        "low": 0.09,
        "high": 0.27,
        "min_gain": 0.0,
        "content": content_hash(playbook),
    }
    return Evidence(**{**values, **more})


def test_the_folder_is_loaded_by_datasets(
    inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    done = inside("export", PLAYBOOK, "-f", "hub", "-o", "hub/tickets")
    assert (done.code, done.out) == (0, "")
    assert "4 of 5 bullets to hub/tickets as hub; 1 quarantined left out" in done.err
    assert "name a license in README.md" in done.err
    folder = inside.cwd / "hub/tickets"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows["id"] == ["B001", "B002", "B003", "B005"]
    assert rows.features["helpful_count"].dtype == "int64"
    assert len(read_playbook(folder / "playbook.json")) == 4


def test_the_card_is_one_that_the_hubs_library_reads(inside: Inside) -> None:
    from huggingface_hub import DatasetCard

    inside("export", PLAYBOOK, "-f", "hub", "-o", "tickets", "--name", 'Queues: "of" us\n---')
    card = DatasetCard.load(inside.cwd / "tickets/README.md")
    assert card.data.pretty_name == 'Queues: "of" us ---'
    assert card.data.license is None  # whose text it is, is not ours to say
    assert "playbook" in card.data.tags
    (config,) = card.data.to_dict()["configs"]
    assert config["data_files"] == [{"split": "train", "path": "bullets.parquet"}]


def test_the_card_shows_what_was_measured_and_of_which_text(inside: Inside) -> None:
    playbook = read_playbook(PLAYBOOK)
    old = evidence(playbook, at="2026-03-01", content="of before", against="old.json", repeats=1)
    measured = with_evidence(with_evidence(playbook, old), evidence(playbook))
    (inside.cwd / "p.json").write_bytes(dump_playbook(measured))
    assert inside("export", "p.json", "-f", "hub", "-o", "hub").code == 0
    card = (inside.cwd / "hub/README.md").read_text()
    newest, oldest = [line for line in card.splitlines() if line.startswith("| 2026")]
    assert newest == (
        "| 2026-11-24 | helps | +18 | +9 to +27 | 1,240 of tickets, 3 answers each | no playbook | openai/small&#124;one |"
    )
    assert "| helped; the text was another one then |" in oldest
    assert "| old.json |" in oldest
    inside("export", PLAYBOOK, "-f", "hub", "-o", "none")
    assert "there is no evidence in its file" in (inside.cwd / "none/README.md").read_text()


def test_quarantined_bullets_are_named_and_not_recommended(inside: Inside) -> None:
    inside("export", PLAYBOOK, "-f", "hub", "-o", "hub", "--include-quarantined")
    card = (inside.cwd / "hub/README.md").read_text()
    assert "1 of them quarantined" in card
    assert "Always round early" not in card
    assert "- (pitfall) \\=SUM" in card


def test_what_is_there_is_replaced_only_with_force_and_the_rest_stays(inside: Inside) -> None:
    folder = inside.cwd / "hub"
    folder.mkdir()
    for name in ("README.md", "mine.txt", "playbook.json"):
        (folder / name).write_text("mine")
    refused = inside("export", PLAYBOOK, "-f", "hub", "-o", "hub")
    assert refused.code == 2
    assert refused.err.splitlines() == [
        "error: hub/playbook.json, hub/README.md exist",
        "hint: Give --force to replace them.",
    ]
    assert not (folder / "bullets.parquet").exists()
    assert inside("export", PLAYBOOK, "-f", "hub", "-o", "hub", "--force").code == 0
    assert (folder / "mine.txt").read_text() == "mine"
    assert len(read_playbook(folder / "playbook.json")) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "hub is a folder of several files"),
        (("-o", "-"), "hub is a folder of several files"),
        (("-o", "file"), "file is a file"),
        (("-o", "odd"), "odd/README.md is not a file that can be replaced"),
    ],
)
def test_a_place_that_is_no_folder_is_refused_before_anything_is_written(
    inside: Inside, arguments: tuple[str, ...], message: str
) -> None:
    (inside.cwd / "file").write_text("x")
    (inside.cwd / "odd/README.md").mkdir(parents=True)
    done = inside("export", PLAYBOOK, "-f", "hub", *arguments, "--force")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")
    assert [path.name for path in (inside.cwd / "odd").iterdir()] == ["README.md"]


def test_an_empty_playbook_is_nothing_for_a_hub(inside: Inside) -> None:
    (inside.cwd / "empty.json").write_text('{"bullets": []}')
    done = inside("export", "empty.json", "-f", "hub", "-o", "hub")
    assert (done.code, "has no bullets" in done.err) == (2, True)
    assert not (inside.cwd / "hub").exists()


@given(st.text(max_size=60), st.text(max_size=40), st.text(max_size=20))
def test_property_front_matter_is_read_whatever_names_hold(title: str, domain: str, model: str) -> None:
    bullet = Bullet(id="B001", content="x", domain_id=domain or "general")
    playbook = Playbook((bullet,), training_config={"dataset": title, "generator_model": model})
    playbook = with_evidence(playbook, replace(evidence(playbook), model=model, dataset=domain))
    card = dump_card(playbook, title).decode()
    front = front_matter(card)
    assert set(front) == {"pretty_name", "tags", "configs"}
    (row,) = [line for line in card.splitlines() if line.startswith("| 2026")]
    assert row.count("|") == 8
    assert set(front_matter(dump_skill(playbook, title, domain).decode())) == {"name", "description"}


def test_notes_of_evidence_stay_in_the_playbook_file(inside: Inside) -> None:
    playbook = read_playbook(PLAYBOOK)
    note = evidence(playbook)
    (inside.cwd / "p.json").write_bytes(dump_playbook(with_evidence(playbook, note)))
    inside("export", "p.json", "-f", "hub", "-o", "hub")
    assert json.loads((inside.cwd / "hub/playbook.json").read_bytes())["evidence"] == [asdict(note)]
