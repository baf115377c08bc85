"""`--track`: a run's curve, cost and playbook in MLflow and Weights & Biases, as their own clients read them; a tracker that fails stops nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.command import KEY, ace, environment, train_arguments
from support.inside import Inside
from support.serving import Serve

pytestmark = pytest.mark.patient

mlflow_env = pytest.importorskip("mlflow", reason="needs mlflow or mlflow-skinny") and {
    "MLFLOW_ALLOW_FILE_STORE": "true"
}
if (
    importlib.util.find_spec("wandb") is None
):  # importing it here would leave its folders where workers of pytest end
    pytest.skip("needs wandb", allow_module_level=True)


def mlflow_runs(folder: Path, uri: str) -> list[dict[str, Any]]:
    """What MLflow's client says of the runs in a store (in a process of its own: the client keeps state)."""
    script = """
import json, sys
from mlflow.tracking import MlflowClient
client, told = MlflowClient(sys.argv[1]), []
for run in client.search_runs([e.experiment_id for e in client.search_experiments()]):
    number = run.info.run_id
    curves = {name: [(m.step, m.value) for m in client.get_metric_history(number, name)] for name in run.data.metrics}
    files = [f.path for f in client.list_artifacts(number, "ace")]
    told.append({"id": number, "name": run.info.run_name, "status": run.info.status, "params": run.data.params,
                 "tags": run.data.tags, "curves": curves, "files": sorted(files)})
print(json.dumps(told))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, uri],
        env={**os.environ, **mlflow_env},
        capture_output=True,
        text=True,
        check=True,
    )
    runs: list[dict[str, Any]] = json.loads(done.stdout)
    return runs


@pytest.fixture
def store(tmp_path: Path) -> str:
    return (tmp_path / "mlruns").as_uri()


def test_mlflow_gets_the_curve_and_the_playbook_of_a_run_across_its_sessions(
    serve: Serve, tmp_path: Path, store: str
) -> None:
    server, data = serve(12)
    env = environment(MLFLOW_TRACKING_URI=store, **mlflow_env)
    given = train_arguments(
        server.url, data, 8, batch_size=4, track="mlflow", validation_examples=4, max_calls=18
    )
    done = ace("train", *given, cwd=tmp_path, env=env)
    assert done.returncode == 3, done.stderr
    (halted,) = mlflow_runs(tmp_path, store)
    assert (halted["status"], halted["tags"]["ace.state"]) == ("KILLED", "stopped")
    assert ace("resume", "run", "--max-calls", "", cwd=tmp_path, env=env).returncode == 0

    (run,) = mlflow_runs(tmp_path, store)
    curve = json.loads((tmp_path / "out/metrics.json").read_bytes())["curve"]
    assert (run["name"], run["status"], run["id"]) == ("run", "FINISHED", halted["id"])
    assert run["curves"]["ace/accuracy"] == [[p["examples_seen"], p["accuracy"]] for p in curve]
    assert run["curves"]["ace/playbook_size"] == [[p["examples_seen"], p["playbook_size"]] for p in curve]
    assert [step for step, _ in run["curves"]["ace/validation_accuracy"]] == [0, 4, 8]
    assert run["params"]["ace.models.generator.model"] == "openai/scripted"
    assert run["files"] == ["ace/metrics.json", "ace/playbook.json"]
    assert not any(
        KEY in path.read_text("utf-8", "replace")
        for path in (tmp_path / "mlruns").rglob("*")
        if path.is_file()
    )


def test_a_run_of_mlflow_that_is_there_is_attached_to_and_left_open(
    serve: Serve, tmp_path: Path, store: str
) -> None:
    server, data = serve(2)
    script = "import sys; from mlflow.tracking import MlflowClient; print(MlflowClient(sys.argv[1]).create_run('0').info.run_id)"
    env = environment(MLFLOW_TRACKING_URI=store, **mlflow_env)
    made = subprocess.run(
        [sys.executable, "-c", script, store], env=env, capture_output=True, text=True, check=True
    )
    env["MLFLOW_RUN_ID"] = made.stdout.split()[-1]
    assert (
        ace("train", *train_arguments(server.url, data, 2, track="mlflow"), cwd=tmp_path, env=env).returncode
        == 0
    )
    (run,) = mlflow_runs(tmp_path, store)
    assert (run["id"], run["status"]) == (env["MLFLOW_RUN_ID"], "RUNNING")
    assert run["files"] == ["ace/metrics.json", "ace/playbook.json"]


def test_an_active_run_of_a_script_is_attached_to(serve: Serve, tmp_path: Path, store: str) -> None:
    server, data = serve(2)
    script = f"""
import mlflow
from ace_cli import OfflineTrainer, TrainingConfig
config = TrainingConfig(dataset_name="custom", input_path={str(data)!r}, num_examples=2, generator_model="openai/x",
    reflector_model="openai/x", output_playbook_path="p.json", settings={{"models.api_base": {server.url!r}, "output.track": ["mlflow"]}})
mlflow.set_tracking_uri({store!r})
with mlflow.start_run(run_name="mine"):
    OfflineTrainer(config).train()
"""
    env = environment(**mlflow_env)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (run,) = mlflow_runs(tmp_path, store)
    assert run["name"] == "mine"
    assert len(run["curves"]["ace/accuracy"]) == 1


def test_weights_and_biases_gets_the_curve_and_the_playbook_offline(serve: Serve, tmp_path: Path) -> None:
    server, data = serve(6)
    env = environment(WANDB_MODE="offline", WANDB_RUN_ID="mine123", WANDB_DIR=str(tmp_path))
    given = train_arguments(server.url, data, 6, batch_size=3, track="wandb")
    done = ace("train", *given, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert "wandb:" not in done.stderr + done.stdout
    (kept,) = tmp_path.glob("wandb/offline-run-*-mine123/run-mine123.wandb")
    body = kept.read_bytes()
    accuracy = json.loads((tmp_path / "out/metrics.json").read_bytes())["curve"][-1]["accuracy"]
    for said in (b"ace/accuracy", str(accuracy).encode()[:8], b"playbook.json", b"openai/scripted"):
        assert said in body, said
    assert KEY.encode() not in body


def test_a_tracker_that_cannot_be_reached_is_told_once_and_stops_nothing(
    serve: Serve, tmp_path: Path
) -> None:
    server, data = serve(6)
    env = environment(
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
        HOME=str(tmp_path),
        WANDB_MODE="online",
    )
    given = train_arguments(server.url, data, 6, batch_size=2, track="mlflow,wandb")
    done = ace("train", *given, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("mlflow is not told any more: ") == 1
    assert (
        done.stderr.count(
            "wandb is not told any more: no key for Weights & Biases. `wandb login`, or set WANDB_API_KEY."
        )
        == 1
    )
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out/playbook.json").is_file()


def test_a_tracker_without_its_package_is_told_before_there_is_a_run(
    serve: Serve, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, data = serve(2)
    monkeypatch.setitem(sys.modules, "wandb", None)
    done = inside.train(server, data, 2, track="wandb")
    assert done.code == 2
    assert "hint: pip install 'ace-cli[wandb]'" in done.err
    assert inside.train(server, data, 2, track="weights").code == 2
    assert not server.log


def test_a_project_file_needs_the_users_word_to_send_results_elsewhere(serve: Serve, inside: Inside) -> None:
    server, data = serve(2)
    (inside.cwd / "ace.toml").write_text('[output]\ntrack = ["mlflow"]\n')
    done = inside.train(server, data, 2)
    assert done.code == 2
    assert "ace.toml would have `ace` send curves and the playbook to mlflow (output.track)" in done.err


def test_an_evaluation_says_that_it_is_not_tracked(serve: Serve, inside: Inside) -> None:
    server, data = serve(2)
    done = inside(
        "eval", "--input", data, "--api-base", server.url, "--model", "openai/x", "--track", "mlflow"
    )
    assert done.code == 0, done.err
    assert "evaluations are not tracked" in done.err
