"""What a run may do to the files at --output and --metrics-output: never destroy what somebody may want to keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.command import read_json, train_arguments
from support.inside import Inside
from support.scripted_server import Faults
from support.serving import Serve

OUTPUTS = ("out/playbook.json", "out/metrics.json")


def files(inside: Inside) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((inside.cwd / "out").iterdir())}


def edit(path: Path) -> bytes:
    """As by hand: the first bullet's wording."""
    body = read_json(path)
    body["edited"] = "by hand"

    path.write_text(json.dumps(body))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("options", "flags", "said"),
    [
        ({"reply": ""}, {}, "failed"),
        ({"faults": Faults(1.0, ("unauthorized",))}, {}, "401"),
        ({}, {"embedding_model": "cohere/embed-english-v3.0"}, "no such model"),
        ({}, {"curator": "no_such:Curator"}, "curator"),
        ({}, {"max_calls": 15}, "--max-calls"),
        ({"faults": Faults(0.3, ("content_filter",))}, {"max_failures": "0"}, "--max-failures"),
    ],
)
def test_a_run_that_does_not_finish_touches_neither_file(
    options: dict[str, Any], flags: dict[str, Any], said: str, serve: Serve, inside: Inside
) -> None:
    good, data = serve(10)
    assert inside.train(good, data, 10, run_dir="good").code == 0
    before = files(inside)
    bad, data = serve(10, **options)
    done = inside.train(bad, data, 10, run_dir="bad", **flags)
    assert done.code != 0
    assert said in done.err
    assert files(inside) == before


def test_the_files_of_another_run_are_kept_beside_the_new_ones(serve: Serve, inside: Inside) -> None:
    server, data = serve(12)
    assert inside.train(server, data, 6, run_dir="a").code == 0
    first = files(inside)
    done = inside.train(server, data, 12, run_dir="b")
    assert done.code == 0
    assert (
        "out/playbook.json is not from this run, or has changed since: kept as out/playbook.1.json"
        in done.err
    )
    after = files(inside)
    assert after["playbook.1.json"] == first["playbook.json"]
    assert after["metrics.1.json"] == first["metrics.json"]
    assert after["playbook.json"] != first["playbook.json"]


def test_a_run_that_goes_on_replaces_its_own_files_and_keeps_edited_ones(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(20)
    assert inside.train(server, data, 6).code == 0
    assert inside("resume", "run", "--extend-to", "8").code == 0
    assert files(inside).keys() == {"playbook.json", "metrics.json"}
    edited = edit(inside.cwd / OUTPUTS[0])
    done = inside("resume", "run", "--extend-to", "12")
    assert done.code == 0
    assert "kept as" in done.err
    assert files(inside).keys() == {"playbook.json", "playbook.1.json", "metrics.json"}
    assert files(inside)["playbook.1.json"] == edited
    assert len(read_json(inside.cwd / OUTPUTS[0])["bullets"]) > 0


def test_resuming_a_finished_run_undoes_no_edit_and_brings_back_what_is_missing(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(8)
    assert inside.train(server, data, 8).code == 0
    whole = files(inside)
    edited = edit(inside.cwd / OUTPUTS[0])
    (inside.cwd / OUTPUTS[1]).unlink()
    done = inside("resume", "run")
    assert done.code == 0, done.err
    assert "out/playbook.json was changed since it was written: left as it is" in done.err
    assert files(inside)["playbook.json"] == edited
    assert files(inside).keys() == whole.keys()
    (inside.cwd / OUTPUTS[0]).unlink()
    assert inside("resume", "run").code == 0
    assert files(inside)["playbook.json"] == whole["playbook.json"]
    # what stands at a new place was never this run's: it makes room
    (inside.cwd / "out/notes.json").write_text("notes")
    assert inside("resume", "run", "--output", "out/notes.json").code == 0
    assert files(inside)["notes.json"] == whole["playbook.json"]
    assert files(inside)["notes.1.json"] == b"notes"


def test_metrics_stand_beside_a_playbook_that_has_a_name(serve: Serve, inside: Inside) -> None:
    server, data = serve(2)
    arguments = train_arguments(server.url, data, 2, output="books/sums.json")
    at = arguments.index("--metrics-output")
    done = inside("train", *arguments[:at], *arguments[at + 2 :])
    assert done.code == 0, done.err
    assert read_json(inside.cwd / "books/sums_metrics.json")["training_summary"]["total_examples"] == 2
    assert not (inside.cwd / "metrics").exists()
    assert inside.settings()["output.metrics"] == ("metrics/offline_training_metrics.json", "default")


def test_two_outputs_at_one_place_or_at_none_that_can_be_replaced_are_refused(
    serve: Serve, inside: Inside
) -> None:
    server, data = serve(2)
    both = inside.train(server, data, 2, output="out/x.json", metrics_output="./out/../out/x.json")
    assert (both.code, "Name two files" in both.err) == (2, True)
    device = inside.train(server, data, 2, output="/dev/null")
    assert (device.code, "not a file that can be replaced" in device.err) == (2, True)
    assert not server.log
