"""What a run keeps of its settings, and who has a say in them when it goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ace_cli.errors import UsageError
from ace_cli.settings import Kind
from ace_cli.settings.layers import CONFIG, ENVIRONMENT, FLAG, PROJECT, USER, Layer, Loaded, fold
from ace_cli.settings.recorded import Recorded, recorded

RANKS = {"user": USER, "ace.toml": PROJECT, "mine.toml": CONFIG, "environment": ENVIRONMENT, "flag": FLAG}


def layers(**values: dict[str, Any]) -> list[Layer]:
    """``ace_toml={"training.seed": 1}`` and so on, lowest first."""
    named = {name.replace("_", "."): tree for name, tree in values.items()}
    return [Layer(name, rank, named[name]) for name, rank in RANKS.items() if name in named]


def kept(start: Loaded) -> Recorded:
    origins = {path: layer.rank for path, layer in start.origin.items()}
    return Recorded(recorded(start.settings, Kind.IDENTITY), recorded(start.settings, Kind.RUNTIME), origins)


SEED = {"training.seed": 7}


@pytest.mark.parametrize(
    ("start", "today", "said"),
    [
        ({}, {"ace_toml": SEED}, "training.seed (ace.toml) would change it to 7"),
        ({}, {"flag": SEED}, "--seed would change it to 7"),
        ({"ace_toml": {"training.seed": 5}}, {"environment": SEED}, "(environment) would change it to 7"),
        ({"ace_toml": {"training.seed": 5}}, {"ace_toml": SEED}, "training.seed = 5"),
        ({"flag": {"training.seed": 5}}, {"flag": SEED}, "training.seed = 5; --seed"),
        ({}, {"flag": {"data.num_examples": "7"}}, "--num-examples would change it to 7"),
        ({}, {"flag": {"training.initial_playbook": "p.json"}}, "would change it to 'p.json'"),
    ],
)
def test_a_layer_that_would_have_won_at_the_start_may_not_change_an_identity_setting(
    start: dict[str, Any], today: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        kept(fold(layers(**start))).resumed(layers(**today))
    assert said in caught.value.message
    assert ("--extend-to" in caught.value.hint) is ("num_examples" in said or "num-examples" in said)


@pytest.mark.parametrize(
    ("start", "today"),
    [
        ({"flag": {"training.seed": 5}}, {"ace_toml": SEED}),
        ({"environment": {"training.seed": 5}}, {"user": SEED, "mine_toml": SEED}),
        ({"user": {"training.seed": 5}}, {"flag": {"training.seed": "5"}}),
        ({"ace_toml": {"training.seed": 5}}, {}),
    ],
)
def test_a_layer_that_was_outvoted_or_says_the_same_changes_nothing(
    start: dict[str, Any], today: dict[str, Any]
) -> None:
    assert kept(fold(layers(**start))).resumed(layers(**today)).settings.training.seed == 5


def test_runtime_settings_are_todays_where_a_layer_speaks_and_else_as_recorded() -> None:
    start = fold(
        layers(ace_toml={"execution.concurrency": 3, "limits.max_calls": 9}, flag={"limits.max_cost": 1})
    )
    today = layers(
        ace_toml={"execution.concurrency": 4, "limits.max_cost": 2}, flag={"display.progress": "none"}
    )
    loaded = kept(start).resumed(today)
    assert (loaded.settings.execution.concurrency, loaded.source("execution.concurrency")) == (4, "ace.toml")
    assert (loaded.settings.limits.max_calls, loaded.source("limits.max_calls")) == (9, "recorded")
    assert loaded.settings.limits.max_cost == 1  # a flag at the start outranks a file of today
    assert loaded.settings.display.progress == "none"


def test_secrets_are_never_kept_and_always_todays() -> None:
    start = fold(layers(flag={"models.generator.api_key": "sk-of-the-start"}))
    assert "sk-of-the-start" not in repr(kept(start))
    assert kept(start).settings.models.generator.api_key is None
    key = (
        kept(start)
        .resumed(layers(user={"models.generator.api_key": "sk-of-today"}))
        .settings.models.generator.api_key
    )
    assert key is not None
    assert key.get_secret_value() == "sk-of-today"


def test_a_setting_that_is_newer_than_the_run_has_its_default() -> None:
    start = kept(fold([]))
    older = Recorded({k: v for k, v in start.identity.items() if k != "training.epochs"}, {}, {})
    assert older.resumed([]).settings == fold([]).settings
    with pytest.raises(UsageError, match=r"training\.epochs = 1; --epochs"):
        older.resumed(layers(flag={"training.epochs": 2}))


def test_paths_of_a_run_are_kept_absolute_and_those_that_were_read_as_they_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    start = fold(
        layers(flag={"data.input": "rows.jsonl", "output.run_dir": "~/run", "stages.prompts": "~/p"})
    )
    found = kept(start)
    assert found.runtime["data.input"] == str(tmp_path / "rows.jsonl")
    assert found.runtime["output.run_dir"] == "/home/me/run"
    assert found.identity["stages.prompts"] == "/home/me/p"
    as_before = Recorded({**found.identity, "stages.prompts": "~/p"}, found.runtime, found.origins)
    assert as_before.resumed(layers(flag={"stages.prompts": "~/p"})).settings.stages.prompts == Path(
        "/home/me/p"
    )


def test_a_working_folder_whose_name_is_not_utf8_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match="not UTF-8 text"):
        recorded(fold([]).settings, Kind.RUNTIME)


def test_a_key_is_always_todays_whatever_gave_it_at_the_start() -> None:
    start = kept(fold(layers(flag={"models.generator.api_key": "sk-old-old-old"})))
    today = start.resumed(layers(environment={"models.generator.api_key": "sk-new-new-new"})).settings
    assert today.models.generator.api_key is not None
    assert today.models.generator.api_key.get_secret_value() == "sk-new-new-new"
