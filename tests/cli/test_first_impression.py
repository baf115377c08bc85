"""What a new user sees first: what will be done and what it costs, before it is done; and the newest run without naming it."""

from __future__ import annotations

import pytest

from support.inside import Inside
from support.serving import Serve

SCRIPTED = ("--model", "openai/scripted")


def said_first(err: str) -> dict[str, str]:
    """What stands before the training begins, by the word in front."""
    lines = err.partition("training: ")[0].splitlines()
    return {name: text for name, _, text in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize(
    ("flags", "rows"),
    [
        ((), "all 12 in rows-12.jsonl"),
        (("--num-examples", 5), "5 of 12 in rows-12.jsonl; --num-examples takes more, 0 all"),
        (("--num-examples", 50), "all 12 in rows-12.jsonl; --num-examples asks for 50, there are no more"),
    ],
)
def test_how_many_of_how_many_rows_is_said_before_the_first_call(
    serve: Serve, inside: Inside, flags: tuple[object, ...], rows: str
) -> None:
    server, data = serve(12)
    done = inside("train", "--input", data.name, "--api-base", server.url, *SCRIPTED, *flags)
    assert done.code == 0, done.err
    assert said_first(done.err)["rows"] == rows


def test_models_that_nobody_chose_are_named_as_such_with_what_they_cost(serve: Serve, inside: Inside) -> None:
    server, data = serve(4)
    done = inside("train", "--input", data, "--api-base", server.url)
    models = said_first(done.err)["models"]
    assert "generator gpt-4-turbo (the default), about $0." in models
    assert "reflector gpt-4o-mini (the default), about $0." in models
    assert said_first(done.err)["in all"].startswith("about 8 calls, $0.")


def test_one_flag_names_both_models_and_a_role_may_have_its_own(inside: Inside) -> None:
    (inside.cwd / "ace.toml").write_text('[models.generator]\nmodel = "openai/of-the-file"\n')
    for flags, models in (
        (("--model", "openai/a"), ("openai/a", "openai/a")),
        (("--model", "openai/a", "--reflector-model", "openai/b"), ("openai/a", "openai/b")),
    ):
        found = inside.settings(*flags)
        assert (found["models.generator.model"][0], found["models.reflector.model"][0]) == models
    (inside.cwd / "ace.toml").write_text('[models]\nmodel = "openai/both"\n')
    assert inside.settings()["models.reflector.model"] == ("openai/both", "ace.toml")
    inside.set(ACE_MODELS__GENERATOR__MODEL="openai/mine")
    found = inside.settings()
    assert (found["models.generator.model"][0], found["models.reflector.model"][0]) == (
        "openai/mine",
        "openai/both",
    )


def test_what_is_used_most_stands_first_in_the_help(inside: Inside) -> None:
    first = inside("train", "--help").out.partition("Most used:")[2].split("\n\n")[0]
    for flag in ("--input", "--model", "--num-examples", "--api-base", "--max-cost", "--output"):
        assert flag in first


def test_the_accuracy_of_training_is_named_for_what_it_is(serve: Serve, inside: Inside) -> None:
    server, data = serve(8)
    assert "at first sight (" in inside.train(server, data, 8).out
    twice = inside.train(server, data, 8, run_dir="twice", epochs=2, output="two.json").out
    assert "% at first sight, " in twice
    assert "% of rows seen before (" in twice
    assert "Accuracy (epoch 1: first sight, then seen before)" in inside("inspect", "twice").out
    page = inside.cwd / "page.html"
    assert inside("export", "run", "-o", page).code == 0
    assert "First-sight accuracy" in page.read_text()


def test_without_a_name_inspect_shows_the_newest_run(serve: Serve, inside: Inside) -> None:
    none = inside("inspect")
    assert (none.code, none.err.splitlines()[0]) == (2, "error: there is no run in runs/ yet")
    server, data = serve(4)
    for name in ("1-old", "0-new"):
        assert inside.train(server, data, 4, run_dir=f"runs/{name}").code == 0
    assert inside("inspect").out.startswith("runs/0-new")
