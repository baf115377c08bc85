"""What stands beside an example: near bullets for the Generator, near bullets and similar examples for the Reflector."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ace_cli.runs.reader import RunReader
from support.builders import CITIES
from support.inside import Inside
from support.inspect_samples import write
from support.serving import Serve

pytestmark = pytest.mark.patient

NEAR = "The nearest of them:"
ID_ALONE = json.dumps(
    {"final_answer": "no idea", "insights": [{"content": "[b001]", "section": "helpful", "confidence": 0.9}]}
)
SIMILAR = "Similar questions and what is right there:"


def codes(path: Path) -> Path:
    """A playbook with a bullet for each city, and one of no use."""
    rows = [
        {"id": f"B{n:03d}", "content": f"The warehouse code for {city} is RV-{n + 40}."}
        for n, city in enumerate(CITIES, 1)
    ]
    rows += [{"id": f"B05{n}", "content": f"Box {n} is made of wood."} for n in range(6)]
    return write(path, [*rows, {"id": "B099", "content": "Parcels are brown.", "stage": "quarantined"}])


def parcels(path: Path, count: int = 12) -> Path:
    rows = [
        {
            "id": f"row-{n}",
            "question": f"Parcel {n} goes to {CITIES[n % len(CITIES)]}. Which code must be written on it?",
            "answer": f"RV-{n % len(CITIES) + 41}",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def users(run: Path, step: int, role: str) -> str:
    """The user's message of a call."""
    with RunReader(run) as reader:
        return next(
            call.messages[-1][1] for call in reader.conversation(step) if call.role == role and not call.turn
        )


def section(text: str, heading: str) -> list[str]:
    """The lines below a heading."""
    return text.partition(heading + "\n")[2].partition("\n\n")[0].splitlines()


def test_the_nearest_of_many_bullets_stand_beside_the_question_once_more(
    serve: Serve, inside: Inside
) -> None:
    server, _ = serve()
    data, book = parcels(inside.cwd / "parcels.jsonl"), codes(inside.cwd / "codes.json")
    assert inside.train(server, data, 12, initial_playbook=book).code == 0
    for step, city in enumerate(CITIES):
        near = section(users(inside.cwd / "run", step, "generator"), NEAR)
        assert len(near) == 4
        assert any(city in line for line in near)
        assert near == sorted(near)
    config = json.loads((inside.cwd / "out/playbook.json").read_bytes())["training_config"]
    assert "parcel" in config["common_words"]
    assert not {city.lower() for city in CITIES} & set(config["common_words"])


@pytest.mark.parametrize(
    ("flags", "count"), [({"near_bullets": 0}, 0), ({"near_bullets": 6}, 0), ({"near_bullets": 2}, 2)]
)
def test_few_bullets_stand_there_once(
    serve: Serve, inside: Inside, flags: dict[str, int], count: int
) -> None:
    server, _ = serve()
    data, book = parcels(inside.cwd / "parcels.jsonl"), codes(inside.cwd / "codes.json")
    assert inside.train(server, data, 3, initial_playbook=book, **flags).code == 0
    assert len(section(users(inside.cwd / "run", 0, "generator"), NEAR)) == count


def test_the_reflector_sees_similar_examples_that_were_merged_before(serve: Serve, inside: Inside) -> None:
    server, _ = serve()
    data = parcels(inside.cwd / "parcels.jsonl", 30)
    assert inside.train(server, data, 30, batch_size=10).code == 0
    assert SIMILAR not in users(inside.cwd / "run", 9, "reflector")
    for step in (12, 25, 29):
        similar = section(users(inside.cwd / "run", step, "reflector"), SIMILAR)
        parcels_seen = [int(match[1]) for line in similar if (match := re.search(r"Parcel (\d+)", line))]
        assert len(parcels_seen) == len(similar) > 0
        assert all(number < step // 10 * 10 for number in parcels_seen)
        same_city = [number for number in parcels_seen if number % len(CITIES) == step % len(CITIES)]
        assert same_city or step < 12  # the same place, whose truth is the same, comes first
        assert all("->" in line for line in similar)


def test_a_resumed_run_asks_the_reflector_the_same(serve: Serve, inside: Inside) -> None:
    server, _ = serve()
    data = parcels(inside.cwd / "parcels.jsonl", 30)
    assert inside.train(server, data, 30, run_dir="whole").code == 0
    assert inside.train(server, data, 30, run_dir="halves", max_calls=45).code == 3
    assert inside("resume", "halves", "--max-calls", 1000).code == 0
    for step in range(30):
        halves, whole = inside.cwd / "halves", inside.cwd / "whole"
        assert users(halves, step, "reflector") == users(whole, step, "reflector")


def test_an_id_in_place_of_a_lesson_confirms_that_bullet(serve: Serve, inside: Inside) -> None:
    server, _ = serve(reply=ID_ALONE)
    data = parcels(inside.cwd / "parcels.jsonl")
    book = write(
        inside.cwd / "book.json",
        [{"id": "B001", "content": "When a parcel leaves, its place has a code of its own."}],
    )
    assert inside.train(server, data, 1, initial_playbook=book).code == 0
    (bullet,) = json.loads((inside.cwd / "out/playbook.json").read_bytes())["bullets"]
    assert (bullet["id"], bullet["sources"]) == ("B001", ["row-0"])
