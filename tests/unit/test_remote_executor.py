"""Examples on other workers: the same files as at home, nothing asked twice, and the driver has the last word."""

from __future__ import annotations

import itertools
import json
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.engine.events import Event, Notice
from ace_cli.engine.executor.choice import check_executor
from ace_cli.engine.executor.letters import Admit, Done, FromWorker, Record, Settle
from ace_cli.engine.wiring import Replacements, StageSpec
from ace_cli.errors import AceError, LimitReached, RunStopped, UsageError
from ace_cli.llm.base import PermanentError, TransientError
from ace_cli.runs.reader import RunReader
from ace_cli.settings.layers import FLAG, Layer, fold
from ace_cli.stages.prompts import load_prompts
from support.crews import work_remotely
from support.scripted_server import Faults, Outage, ScriptedServer
from support.serving import Serve

pytestmark = pytest.mark.patient

COUNT = 18


def train(server: ScriptedServer, data: Path, folder: Path, on_event: Any = None, **settings: object) -> Any:
    config = TrainingConfig(
        dataset_name="custom",
        input_path=data,
        num_examples=COUNT,
        generator_model="openai/scripted",
        reflector_model="openai/scripted",
        batch_merge_size=6,
        api_base=server.url,
        run_dir=folder / "run",
        output_playbook_path=folder / "playbook.json",
        output_metrics_path=folder / "metrics.json",
        settings=settings,
    )
    return OfflineTrainer(config, on_event=on_event).train()


def left(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """What a run leaves behind, times aside."""
    metrics = json.loads((folder / "metrics.json").read_bytes())
    metrics.pop("timing")
    return (folder / "playbook.json").read_bytes(), metrics


@pytest.fixture
def at_home(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Trains here first; afterwards a server that knows the same questions, and what to expect."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    def trained(**options: Any) -> tuple[ScriptedServer, Path, tuple[bytes, dict[str, Any]]]:
        server, data = serve(COUNT, **options)
        train(server, data, tmp_path / "home")
        fresh, data = serve(COUNT, **options)
        return fresh, data, left(tmp_path / "home")

    return trained


def nth(kind: type, *numbers: int) -> Callable[[FromWorker], bool]:
    """True for the so many-th letters of a kind."""
    count = itertools.count(1)
    return lambda letter: isinstance(letter, kind) and next(count) in numbers


@pytest.mark.parametrize("kind", [Admit, Record, Settle, Done])
def test_workers_that_are_lost_change_nothing_and_no_recorded_reply_is_asked_for_again(
    kind: type, at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, expected = at_home()
    crews = work_remotely(monkeypatch, loses=nth(kind, 4, 11))
    told: list[Event] = []
    train(server, data, tmp_path / "away", told.append, **{"execution.concurrency": 1})
    assert left(tmp_path / "away") == expected
    assert len(crews[0].hired) == 4, "each lost one was replaced"
    assert sum("a worker was lost" in e.message for e in told if isinstance(e, Notice)) == 2
    assert set(server.answered().values()) == {1}


def test_examples_are_shared_out_among_the_workers(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, expected = at_home(delay=0.01)
    crews = work_remotely(monkeypatch, workers=3, each=2)
    train(server, data, tmp_path / "away")
    assert left(tmp_path / "away") == expected
    assert all(post.letters["Done"] >= 2 for post in crews[0].hired)
    assert server.most_in_flight <= 6, "no worker has more than is worth giving to it"


def test_workers_ask_the_drivers_cache(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, expected = at_home()
    train(server, data, tmp_path / "filled", **{"execution.cache": tmp_path / "kept"})
    before = len(server.log)
    work_remotely(monkeypatch, loses=nth(Record, 4))
    train(server, data, tmp_path / "away", **{"execution.cache": tmp_path / "kept"})
    playbook, metrics = left(tmp_path / "away")
    assert playbook == expected[0]
    assert (metrics["usage"]["calls"], metrics["usage"]["cached_calls"]) == (0, 2 * COUNT)
    assert len(server.log) == before


def test_a_silent_worker_is_given_up(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, expected = at_home()
    work_remotely(monkeypatch, silent=frozenset({0}), silence=0.5)
    told: list[Event] = []
    train(server, data, tmp_path / "away", told.append)
    assert left(tmp_path / "away") == expected
    assert any("silent for 0.5 s" in e.message for e in told if isinstance(e, Notice))


@pytest.mark.patient
def test_retries_and_failures_are_those_of_one_process(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(0.2, ("rate_limit", "error_503", "chatty", "garbage_content"), retry_after=0.05)
    server, data, expected = at_home(faults=faults)
    work_remotely(monkeypatch)
    train(server, data, tmp_path / "away")
    assert left(tmp_path / "away") == expected
    assert expected[1]["usage"]["retries"] > 0


def test_a_limit_holds_for_all_workers_together(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, _ = at_home()
    with monkeypatch.context() as patch:
        work_remotely(patch, workers=4)
        with pytest.raises(LimitReached, match="13 calls"):
            train(server, data, tmp_path / "away", **{"limits.max_calls": 13})
    assert sum(server.answered().values()) == 13
    with RunReader(tmp_path / "away/run") as run:
        assert sum(usage.calls for usage in run.usage().values()) == 13


def test_an_example_that_costs_one_worker_after_the_other_ends_the_run(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, _ = at_home()
    work_remotely(monkeypatch, workers=1, loses=lambda letter: isinstance(letter, Admit))
    with pytest.raises(RunStopped, match="5 workers were lost while they worked on the example row-"):
        train(server, data, tmp_path / "away", **{"execution.concurrency": 1})


def test_a_bad_key_stops_the_run_from_a_worker_as_well(
    at_home: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, _ = at_home()
    server.faults = Faults(1.0, ("unauthorized",))
    work_remotely(monkeypatch)
    with pytest.raises(PermanentError) as caught:
        train(server, data, tmp_path / "away")
    assert caught.value.hint, "errors travel with their hints"


def test_errors_travel_whole() -> None:
    error = TransientError("busy", "wait", kind="rate_limit", retry_after=2.5, endpoint=True)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy), copy.args) == (TransientError, vars(error), error.args)


class Stubborn:
    """A generator that holds what no other process can have."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def test_a_stage_that_cannot_travel_is_refused_with_a_hint() -> None:
    pytest.importorskip("ray")
    settings = fold([Layer("flag", FLAG, {"execution.executor": "ray"})]).settings
    stage: Any = Stubborn()
    with pytest.raises(UsageError, match="cannot be sent to Ray's workers") as caught:
        check_executor(StageSpec(settings, load_prompts(), Replacements(generator=stage)))
    assert "package.module:Class" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://127.0.0.1:10001", "a driver of the cluster, not a client"),
        ("127.0.0.1:9", "nothing listens at"),
    ],
)
def test_an_address_that_cannot_work_is_told_before_a_run_exists(address: str, message: str) -> None:
    pytest.importorskip("ray")
    settings = fold(
        [Layer("flag", FLAG, {"execution.executor": "ray", "execution.ray_address": address})]
    ).settings
    with pytest.raises(AceError, match=message):
        check_executor(StageSpec(settings, load_prompts()))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    settings = fold([Layer("flag", FLAG, {"execution.executor": "ray"})]).settings
    with pytest.raises(UsageError) as caught:
        check_executor(StageSpec(settings, load_prompts()))
    assert caught.value.hint == "pip install 'ace-cli[ray]'"


def test_what_workers_find_of_a_models_servers_is_told_once(
    at_home: Callable[..., Any], serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data, expected = at_home()
    dying, _ = serve(COUNT, outage=Outage(0, 1e6))
    work_remotely(monkeypatch)
    told: list[Event] = []
    both = {"models.api_base": [dying.url, server.url], "execution.max_retries": 0}
    train(server, data, tmp_path / "away", told.append, **both)
    assert left(tmp_path / "away") == expected
    notices = [event.message for event in told if isinstance(event, Notice) and "left out" in event.message]
    assert 1 <= len(notices) <= 2, "once for all workers, once for the driver, who merges"
    assert all(dying.url in notice for notice in notices)
