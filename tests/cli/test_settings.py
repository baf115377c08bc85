"""Settings in layers, each from one definition: what wins, what is refused and how that is said, what is never shown."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from ace_cli.settings import DEFINITIONS, Kind
from ace_cli.settings.definition import Group, definitions, runtime
from ace_cli.settings.layers import load
from ace_cli.settings.recorded import recorded
from support.command import KEY, ace, environment
from support.inside import Inside

ROOT = Path(__file__).parents[2]
CANARY = "canary-3f9a77"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# -- layers


def test_each_layer_wins_over_the_one_below_and_is_named(tmp_path: Path) -> None:
    """As a process, once: everything else is told inside of this one."""
    keys = ("batch_size", "epochs", "seed", "lookahead", "reflection_rounds", "context_budget")
    layers = [
        put(tmp_path / "home/.config/ace/config.toml", ""),
        put(tmp_path / "ace.toml", ""),
        put(tmp_path / "mine.toml", ""),
    ]
    for number, path in enumerate(layers, 1):
        lines = [f"{key} = {number}" for key in keys[number:]]
        path.write_text("[training]\n" + "\n".join(lines) + "\n")
    env = environment(
        HOME=str(tmp_path / "home"),
        XDG_CONFIG_HOME=str(tmp_path / "home/.config"),
        ACE_TRAINING__REFLECTION_ROUNDS="4",
        ACE_TRAINING__CONTEXT_BUDGET="4",
    )
    done = ace(
        "train", "--config", "mine.toml", "--context-budget", 5, "--show-config", cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for line in (
        "batch_size = 10  # default",
        f"epochs = 1  # {layers[0]}",
        "seed = 2  # ace.toml",
        "lookahead = 3  # mine.toml",
        "reflection_rounds = 4  # environment",
        "context_budget = 5  # flag",
    ):
        assert line in done.stdout.splitlines()


def test_pyproject_speaks_where_it_has_a_table_for_us_and_ace_toml_wins(inside: Inside) -> None:
    put(inside.cwd / "pyproject.toml", '[tool.ace.training]\nepochs = 7\nseed = 7\n[tool.other]\nx = "y"\n')
    put(inside.cwd / "ace.toml", "[training]\nseed = 8\n")
    rows = inside.settings()
    assert rows["training.epochs"] == ("7", "pyproject.toml")
    assert rows["training.seed"] == ("8", "ace.toml")


@pytest.mark.parametrize("text", ["[tool.other]\nx = 1\n", "tool = 1\n", "[project]\nname = 'x'\n"])
def test_a_pyproject_that_is_not_about_us_says_nothing(inside: Inside, text: str) -> None:
    put(inside.cwd / "pyproject.toml", text)
    assert {source for _, source in inside.settings().values()} == {"default"}


def test_input_alone_means_custom_and_a_dataset_is_not_overruled(inside: Inside) -> None:
    assert inside.settings("--input", "x.jsonl")["data.dataset"][0] == "custom"
    assert inside.settings("--input", "x.jsonl", "--dataset", "gsm8k")["data.dataset"][0] == "gsm8k"


@pytest.mark.parametrize("flag", ["--num-examples", "--num_examples"])
def test_underscores_in_flags_work(inside: Inside, flag: str) -> None:
    assert inside.settings(flag, 7)["data.num_examples"] == ("7", "flag")
    assert inside.settings(f"{flag}=8")["data.num_examples"] == ("8", "flag")


def test_switches_can_be_set_off_again(inside: Inside) -> None:
    put(inside.cwd / "ace.toml", "[data]\nshuffle = true\n[output]\ncheckpoints = true\n")
    rows = inside.settings("--no-shuffle", "--no_checkpoints")
    assert rows["data.shuffle"] == ("false", "flag")
    assert rows["output.checkpoints"] == ("false", "flag")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", "90.0"), ("90s", "90.0"), ("15m", "900.0"), ("1h30m", "5400.0"), ("8h", "28800.0"), ("1.5m", "90.0"), ("2H", "7200.0"), ("1m30", "90.0")],
)  # fmt: skip
def test_durations(inside: Inside, written: str, seconds: str) -> None:
    assert inside.settings("--max-time", written)["limits.max_time"] == (seconds, "flag")
    inside.set(ACE_EXECUTION__GRACE_PERIOD=written)
    assert inside.settings()["execution.grace_period"] == (seconds, "environment")


@pytest.mark.parametrize(("written", "value"), [("10", "10"), ("0.2", "0.2"), ("20%", "0.2"), ("0", "0")])
def test_failures_are_a_count_or_a_share(inside: Inside, written: str, value: str) -> None:
    assert inside.settings("--max-failures", written)["limits.max_failures"][0] == value


def test_an_empty_text_unsets_what_may_be_unset(inside: Inside) -> None:
    put(
        inside.cwd / "ace.toml",
        '[limits]\nmax_cost = 3\nmax_calls = 5\n[models.generator]\ntemperature = ""\n',
    )
    inside.set(ACE_LIMITS__MAX_CALLS="")
    rows = inside.settings("--max-cost", "")
    assert rows["limits.max_cost"] == ("(unset)", "flag")
    assert rows["limits.max_calls"] == ("(unset)", "environment")
    assert rows["models.generator.temperature"] == ("(unset)", "ace.toml")


def test_tables_come_from_toml_from_json_and_from_nested_variables(inside: Inside) -> None:
    put(inside.cwd / "ace.toml", '[models.generator.extra]\ntop_p = 0.5\nnested = {a = [1, "b"]}\n')
    inside.set(
        ACE_MODELS__REFLECTOR__EXTRA='{"top_p": 0.25, "stop": ["x"]}', ACE_MODELS__CURATOR__EXTRA__TOP_K="40"
    )
    loaded = load({}, None, inside.cwd)
    assert loaded.settings.models.generator.extra == {"top_p": 0.5, "nested": {"a": [1, "b"]}}
    assert loaded.settings.models.reflector.extra == {"top_p": 0.25, "stop": ["x"]}
    assert loaded.settings.models.curator.extra == {"top_k": "40"}


def test_a_path_is_resolved_once_for_every_command(inside: Inside) -> None:
    home = inside.cwd / "home"
    put(home / "prompts/generator.txt", (ROOT / "src/ace_cli/stages/prompts/generator.txt").read_text())
    put(home / "rows.jsonl", '{"question": "1 + 1?", "answer": "2"}\n')
    rows = inside.settings("--prompts", "~/prompts", "--input", "~/rows.jsonl", "--output", "~/p.json")
    assert rows["stages.prompts"] == (str(home / "prompts"), "flag")
    assert rows["output.playbook"] == (str(home / "p.json"), "flag")
    done = inside("train", "--prompts", "~/prompts", "--input", "~/rows.jsonl", "--dry-run")
    assert done.code == 0, done.err
    done = inside("train", "--prompts", "~nobody-at-all/p", "--dry-run")
    assert done.code == 2
    assert done.err.startswith("error: --prompts: '~nobody-at-all/p' is not allowed")


OWN = """
class Careful:
    def __init__(self, threshold: float = 0.8) -> None:
        self.threshold = threshold
    async def curate(self, playbook, items, ask, *, at): ...
class Near:
    name = "near"
    def __init__(self, within): ...
    def __call__(self, answer, truth): ...
class Vectors:
    name = "own"
    async def embed(self, texts): ...
"""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[stages]\ncurator = "own_of_settings:Careful"\n[stages.curator_args]\nthreshold = 0.7\n', ""),
        ('[stages]\ncurator = "own_of_settings:Careful"\ncurator_args = {treshold = 0.7}\n', "Did you mean 'threshold'? It takes threshold."),
        ('[training]\nscorer = "own_of_settings:Near"\nscorer_args = {within = 2}\n', ""),
        ('[training]\nscorer = "own_of_settings:Near"\n', "scorer_args = {within = ...}"),
        ('[models]\nembedding = "own_of_settings:Vectors"\n', ""),
        ('[models]\nembedding = "own_of_settings:Vectors"\nembedder_args = {size = 3}\n', "It takes none."),
        ('[stages]\nsameness_args = {colour = 3}\n', "It takes none."),
        ('[stages]\ncurator = "own_of_settings:Careful"\ncurator_args = {api_key = "x"}\n', "belongs in api_key or headers"),
    ],
)  # fmt: skip
def test_a_part_of_ones_own_gets_the_arguments_of_its_table(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, table: str, said: str
) -> None:
    put(inside.cwd / "own_of_settings.py", OWN)
    put(inside.cwd / "rows.jsonl", '{"question": "1 + 1?", "answer": "2"}\n')
    put(inside.cwd / "mine.toml", table)
    monkeypatch.syspath_prepend(str(inside.cwd))
    done = inside("train", "--input", "rows.jsonl", "--config", "mine.toml", "--dry-run")
    assert (done.code, bool(said)) in [(0, False), (2, True)], done.err
    assert said in done.err


# -- what is refused


@pytest.mark.parametrize(
    ("text", "where", "key", "hint"),
    [
        ("[training]\nbatchsize = 3\n", "ace.toml", "training.batchsize", "'training.batch_size'"),
        ("[trainig]\nepochs = 3\n", "ace.toml", "trainig", "'training'"),
        ("epochs = 3\n", "ace.toml", "epochs", "'training.epochs'"),
        ("[models.generator]\nmodle = 'x'\n", "ace.toml", "models.generator.modle", "'models.generator.model'"),
        ("[zzz]\nqqq = 1\n", "ace.toml", "zzz", "--show-config"),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest(inside: Inside, text: str, where: str, key: str, hint: str) -> None:
    put(inside.cwd / "ace.toml", text)
    done = inside("train", "--show-config")
    assert done.code == 2
    assert done.err.startswith(f"error: {where}: unknown key {key!r}\nhint: ")
    assert hint in done.err.splitlines()[1]


def test_an_unknown_key_in_pyproject_and_an_unknown_variable_are_named_too(inside: Inside) -> None:
    put(inside.cwd / "pyproject.toml", "[tool.ace]\ntrainig = {}\n")
    assert "[tool.ace] in pyproject.toml: unknown key 'trainig'" in inside("train", "--show-config").err
    (inside.cwd / "pyproject.toml").unlink()
    inside.set(ACE_TRAINING__BATCHSIZE="3")
    assert inside("train", "--show-config").err == (
        "error: unknown environment variable ACE_TRAINING__BATCHSIZE\nhint: Did you mean ACE_TRAINING__BATCH_SIZE?\n"
    )


def test_an_unknown_flag_names_the_nearest(inside: Inside) -> None:
    done = inside("train", "--num-exampels", "3")
    assert done.code == 2
    assert "--num-examples" in done.err


WRONG = [
    ("--batch-size", "training.batch_size", "0", "a whole number from 1"),
    ("--batch-size", "training.batch_size", "ten", "a whole number from 1"),
    ("--batch-size", "training.batch_size", "", "a whole number from 1"),
    ("--num-examples", "data.num_examples", "-1", "a whole number from 0"),
    ("--num-examples", "data.num_examples", "1.5", "a whole number from 0"),
    ("--similarity-threshold", "training.similarity_threshold", "1.2", "a number from 0 to 1"),
    ("--similarity-threshold", "training.similarity_threshold", "nan", "a number from 0 to 1"),
    ("--target-stage", "training.target_stage", "staging", "shadow, production"),
    ("--concurrency", "execution.concurrency", "0", "auto, or a number from 1 to 1000"),
    ("--concurrency", "execution.concurrency", "fast", "auto, or a number from 1 to 1000"),
    ("--max-rpm", "execution.max_rpm", "0", "a whole number from 1"),
    ("--max-tpm", "execution.max_tpm", "1e6", "a whole number from 1"),
    ("--max-cost", "limits.max_cost", "free", "an amount such as 2.50"),
    ("--max-cost", "limits.max_cost", "inf", "an amount such as 2.50"),
    ("--max-time", "limits.max_time", "1 day", "a duration such as 90s, 15m or 8h"),
    ("--max-failures", "limits.max_failures", "150%", "a count such as 10, or a share such as 0.2 or 20%"),
    ("--max-failures", "limits.max_failures", "-3", "a count such as 10, or a share such as 0.2 or 20%"),
    ("--progress", "display.progress", "loud", "auto, rich, plain, json, none"),
    ("--seed", "training.seed", str(2**70), "a whole number of 64 bits"),
]


@pytest.mark.parametrize(("flag", "path", "value", "allowed"), WRONG)
def test_a_wrong_value_names_where_it_came_from_the_value_and_what_is_allowed(
    inside: Inside, flag: str, path: str, value: str, allowed: str
) -> None:
    said = f"{value!r} is not allowed\nhint: Allowed: {allowed}.\n"
    done = inside("train", f"{flag}={value}", "--show-config")
    assert (done.code, done.err) == (2, f"error: {flag}: {said}")
    section, key = path.split(".")
    put(inside.cwd / "my.toml", f'[{section}]\n{key} = "{value}"\n')
    done = inside("train", "--config", "my.toml", "--show-config")
    assert (done.code, done.err) == (2, f"error: my.toml: {path}: {said}")
    name = f"ACE_{section.upper()}__{key.upper()}"
    inside.set(**{name: value})
    done = inside("train", "--show-config")
    assert (done.code, done.err) == (2, f"error: {name}: {said}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[training\n", "is not valid TOML"),
        (b"\xff\xfe[", "is not UTF-8 text"),
        (b"a" + b"[" * 5000, "is not valid TOML"),
        (b"training = 3\n", "training is not a table"),
        (b'[stages]\nprompts = "a\\u0000b"\n', "stages.prompts: 'a\\x00b' is not allowed"),
        (b"[models.generator.extra]\nwhen = 2020-01-01\n", "models.generator.extra: what is given is not allowed"),
        (b"[models.generator.extra]\nmost = inf\n", "models.generator.extra: what is given is not allowed"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_in_one_line(inside: Inside, content: bytes, message: str) -> None:
    (inside.cwd / "bad.toml").write_bytes(content)
    done = inside("train", "--config", "bad.toml", "--show-config")
    assert done.code == 2
    assert message in done.err.splitlines()[0]
    assert len(done.err.splitlines()) <= 2


def test_a_missing_file_names_the_one_that_may_be_meant(inside: Inside) -> None:
    put(inside.cwd / "finance.toml", "")
    done = inside("train", "--config", "finnance.toml", "--show-config")
    assert (done.code, done.err.splitlines()[-1]) == (2, "hint: Did you mean finance.toml?")
    assert inside("train", "--config", ".", "--show-config").code == 2


def test_a_file_with_a_byte_order_mark_is_read(inside: Inside) -> None:
    (inside.cwd / "ace.toml").write_bytes(b"\xef\xbb\xbf[training]\nepochs = 2\n")
    assert inside.settings()["training.epochs"] == ("2", "ace.toml")


# -- secrets


def test_keys_headers_and_passwords_in_addresses_are_never_shown(inside: Inside) -> None:
    put(
        inside.cwd / "ace.toml",
        f'[models]\napi_base = "https://me:{CANARY}@host.example/v1?api_key={CANARY}"\n'
        f'[models.generator]\napi_key = "{CANARY}"\nheaders = {{Authorization = "Bearer {CANARY}"}}\n',
    )
    inside.set(ACE_MODELS__REFLECTOR__API_KEY=CANARY, ACE_MODELS__CURATOR__HEADERS=f'{{"X-Key": "{CANARY}"}}')
    done = inside("train", "--show-config")
    assert done.code == 0
    assert CANARY not in done.out + done.err
    for table, source in (("models.generator", "ace.toml"), ("models.reflector", "environment")):
        lines = done.out.partition(f"[{table}]\n")[2].splitlines()
        assert f"# api_key is set, not shown  # {source}" in lines
    assert "host.example" in done.out


def test_what_a_run_keeps_of_its_settings_holds_no_secret(inside: Inside) -> None:
    put(
        inside.cwd / "ace.toml",
        f'[models]\napi_base = "https://me:{CANARY}@host.example/v1"\n'
        f'[models.generator]\napi_key = "{CANARY}"\napi_base = "http://h/v1?key={CANARY}"\n'
        f'headers = {{A = "{CANARY}"}}\n',
    )
    settings = load({}, None, inside.cwd).settings
    kept = recorded(settings, Kind.IDENTITY) | recorded(settings, Kind.RUNTIME)
    assert CANARY not in repr(kept)
    assert kept["models.api_base"] == "https://host.example/v1"
    assert kept["models.generator.api_base"] == "http://h/v1"


@pytest.mark.parametrize(
    "text",
    [
        'extra = {{api_key = "{0}"}}',
        'extra = {{deep = {{Authorization = "{0}"}}}}',
        'extra = {{list = [{{secret = "{0}"}}]}}',
        'headers = "{0}"',
        'headers = {{A = ["{0}"]}}',
        'api_key = ["{0}"]',
    ],
)
def test_a_misplaced_key_is_refused_and_not_repeated(inside: Inside, text: str) -> None:
    put(inside.cwd / "ace.toml", "[models.generator]\n" + text.format(CANARY) + "\n")
    done = inside("train", "--show-config")
    assert done.code == 2
    assert CANARY not in done.out + done.err


# -- one definition


def test_every_setting_chooses_its_kind_and_says_what_it_is() -> None:
    for definition in DEFINITIONS.values():
        assert definition.kind in Kind
        assert definition.help
        assert not definition.help.endswith(".")
    flags = [d.flag for d in DEFINITIONS.values() if d.flag]
    assert len(flags) == len(set(flags))


def test_a_setting_without_a_kind_is_a_mistake_that_is_noticed() -> None:
    class New(Group):
        good: int = runtime(1, "Fine")
        bad: int = 2

    with pytest.raises(TypeError, match=r"the setting new\.bad does not say whether it is identity, runtime"):
        list(definitions(New, "new."))
    assert issubclass(New, BaseModel)


def test_settings_that_decide_the_result_are_identity_and_those_of_the_run_are_not() -> None:
    kinds = {d.path: d.kind for d in DEFINITIONS.values()}
    for path in ("data.dataset", "training.seed", "models.generator.model", "models.generator.temperature"):
        assert kinds[path] is Kind.IDENTITY
    for path in ("execution.concurrency", "models.generator.timeout", "limits.max_cost", "display.progress"):
        assert kinds[path] is Kind.RUNTIME
    assert {path for path, kind in kinds.items() if kind is Kind.SECRET} == {
        f"models.{model}{name}"
        for model in ("generator.", "reflector.", "curator.", "embedding_")
        for name in ("api_key", "headers")
    }


def test_a_playbooks_header_lists_its_settings_in_their_old_order() -> None:
    """Their order is part of the file, byte for byte."""
    listed = sorted((d.in_header, d.name, d.kind) for d in DEFINITIONS.values() if d.in_header is not None)
    assert [place for place, _, _ in listed] == list(range(len(listed)))
    assert {kind for _, _, kind in listed} == {Kind.IDENTITY}
    assert [name for _, name, _ in listed] == [
        "dataset", "generator_model", "reflector_model", "batch_size", "epochs", "seed", "shuffle", "split", "scorer",
        "similarity_threshold", "target_stage", "reflection_rounds", "lookahead", "embedding_model", "curator",
        "context_budget", "max_bullets", "retrieval", "near_bullets", "tryout",
        "models.generator.prompt_style", "reflect_on",
    ]  # fmt: skip


def test_the_help_says_how_each_value_is_written(inside: Inside) -> None:
    text = inside("train", "--help").out
    for shown in (
        "--max-cost USD", "--max-time TIME", "--retry-horizon TIME", "--prompts PATH", "--api-base URL", "--seed N",
        "--max-failures N", "--split TEXT", "--target-stage shadow|production", "--shuffle / --no-shuffle",
    ):  # fmt: skip
        assert shown in text


@pytest.mark.parametrize("command", ["train", "resume"])
def test_every_flag_stands_in_the_help_with_its_default(inside: Inside, command: str) -> None:
    done = inside(command, "--help")
    assert done.code == 0
    text = re.sub(r"\s+", " ", done.out)
    unbroken = re.sub(r"\s", "", done.out)  # lines break at hyphens, too
    for definition in DEFINITIONS.values():
        if definition.flag and not (command == "resume" and definition.kind is Kind.IDENTITY):
            assert re.search(rf"(?<![\w-]){definition.flag}(?![\w-])", text), definition.flag
            assert re.sub(r"\s", "", definition.help) in unbroken, definition.path


def test_key_variable_flag_and_default_follow_from_one_definition() -> None:
    said = {d.path: (d.flag, d.env, d.shown_default, d.kind.value) for d in DEFINITIONS.values()}
    assert said["training.batch_size"] == ("--batch-size", "ACE_TRAINING__BATCH_SIZE", "10", "identity")
    assert said["limits.max_time"] == ("--max-time", "ACE_LIMITS__MAX_TIME", "unset", "runtime")
    assert said["execution.retry_horizon"][2] == "10m"
    assert said["data.shuffle"][2] == "off"


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.stem)
def test_every_file_in_configs_loads_and_its_data_is_there(inside: Inside, path: Path) -> None:
    rows = inside.settings("--config", path)
    assert str(path) in {source for _, source in rows.values()}
    data = rows["data.input"][0]
    assert data == "(unset)" or (ROOT / data).is_file()


# -- settings shown as a file


def test_what_is_shown_can_be_saved_and_is_the_same_again(inside: Inside, tmp_path: Path) -> None:
    put(
        inside.cwd / "ace.toml",
        '[training]\nepochs = 3\n[models.generator]\ntemperature = ""\nmodel = "a\\"b\\u202e\\n"\n'
        f'api_key = "{CANARY}"\n[models.generator.extra]\ntop_p = 0.5\n"a b" = {{c = [1, {{d = "x\\ty"}}]}}\n',
    )
    put(inside.cwd / "rows.jsonl", "")
    shown = inside(
        "train", "--input", "rows.jsonl", "--output", "x.json", "--max-time", "90s", "--show-config"
    )
    assert shown.code == 0, shown.err
    assert "\u202e" not in shown.out
    tree = tomllib.loads(shown.out)
    assert tree["training"]["batch_size"] == 10
    before = load({"data.input": "rows.jsonl", "output.playbook": "x.json", "limits.max_time": "90s"})
    put(inside.cwd / "mine.toml", shown.out)
    (inside.cwd / "ace.toml").unlink()
    after = load({}, Path("mine.toml"))
    kinds = (Kind.IDENTITY, Kind.RUNTIME)
    assert [recorded(after.settings, k) for k in kinds] == [recorded(before.settings, k) for k in kinds]


def test_a_saved_file_ties_down_nothing_that_follows_another_setting(inside: Inside) -> None:
    put(inside.cwd / "mine.toml", inside("train", "--show-config").out)
    rows = inside.settings("--config", "mine.toml", "--input", "rows.jsonl", "--output", "books/x.json")
    assert rows["data.dataset"][0] == "custom"
    assert rows["output.metrics"][0] == "books/x_metrics.json"


# -- .env


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> str:
    """A variable that is not set, also after the test."""
    monkeypatch.setenv("EXAMPLE_API_KEY", "")
    monkeypatch.delenv("EXAMPLE_API_KEY")
    return "EXAMPLE_API_KEY"


def test_env_file_sets_keys_and_settings_and_the_environment_wins(inside: Inside, unset: str) -> None:
    put(
        inside.cwd / ".env",
        f"# keys\nexport {unset}='{CANARY}'\nOPENAI_API_KEY={CANARY}\nACE_TRAINING__EPOCHS=4\nACE_TRAINING__SEED=4\n"
        'ACE_MODELS__GENERATOR__EXTRA={"top_p": 0.5}\n',
    )
    put(inside.cwd / "ace.toml", "[training]\nepochs = 3\nlookahead = 3\n")
    inside.set(ACE_TRAINING__SEED="5")
    rows = inside.settings()
    assert rows["training.epochs"] == ("4", ".env")
    assert rows["training.seed"] == ("5", "environment")
    assert rows["training.lookahead"] == ("3", "ace.toml")
    assert "top_p" in rows["models.generator.extra"][0]
    assert os.environ[unset] == CANARY
    assert os.environ["OPENAI_API_KEY"] == KEY
    shown = inside("train", "--show-config").out
    assert f"# {unset}: from .env" in shown
    assert "# OPENAI_API_KEY: not read from .env, the environment has its own" in shown
    assert CANARY not in shown


@pytest.mark.parametrize(
    "line",
    [
        "OPENAI_BASE_URL=http://evil.example/v1", "OPENAI_API_BASE=http://evil.example/v1", "HTTPS_PROXY=http://evil.example", "HF_ENDPOINT=http://evil.example",
        "PYTHONPATH=.", "LD_PRELOAD=./x.so", "PATH=.", "SSL_CERT_FILE=x", "GOOGLE_APPLICATION_CREDENTIALS=x.json", "AWS_PROFILE=x", "XDG_CONFIG_HOME=.",
        "SSLKEYLOGFILE=keys", "PAGER=evil",
    ],
)  # fmt: skip
def test_what_else_stands_in_an_env_file_is_left_alone(inside: Inside, line: str) -> None:
    put(inside.cwd / ".env", line + "\n")
    before = dict(os.environ)
    assert inside("train", "--show-config").code == 0
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ACE_TRAINING__EPOCH=3", "unknown variable in .env: ACE_TRAINING__EPOCH"),
        ("ACE_TRAINING__EPOCHS=none", ".env: training.epochs: 'none' is not allowed"),
        ("A=1\nEXAMPLE_API_KEY='a b'", ".env, line 2: the value of EXAMPLE_API_KEY is no key"),
        ("EXAMPLE_API_KEY=os.environ/HOME", ".env, line 1: the value of EXAMPLE_API_KEY is no key"),
        ("EXAMPLE_API_KEY='abc", ".env, line 1: not NAME=VALUE"),
        ("X" * 1_000_001, ".env is larger than 1,000,000 bytes"),
        ("\udcff", ".env is not UTF-8 text (byte 0)"),
    ],
)
def test_what_is_wrong_in_an_env_file_is_said(inside: Inside, text: str, said: str) -> None:
    (inside.cwd / ".env").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = inside("train", "--show-config")
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: {said}")


def test_an_env_file_does_not_hand_on_other_variables(inside: Inside, unset: str) -> None:
    put(inside.cwd / ".env", f"{unset}=${{OPENAI_API_KEY}}\n")
    assert inside("train", "--show-config").code == 0
    assert os.environ[unset] == "${OPENAI_API_KEY}"


# -- the plan


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def plan(inside: Inside, closed: str, *flags: object) -> str:
    shutil.copy(ROOT / "examples/gsm8k_20.jsonl", inside.cwd / "rows.jsonl")
    done = inside("train", "--input", "rows.jsonl", "--api-base", closed, "--dry-run", *flags)
    assert done.code == 0, done.err
    assert [path.name for path in inside.cwd.iterdir()] == ["rows.jsonl"]
    return done.out


def test_a_dry_run_prints_the_plan_and_makes_no_file_and_no_call(
    inside: Inside, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = plan(inside, closed, "--epochs", 2, "--batch-size", 8, "--generator-model", "gpt-4o-mini")
    assert "dataset    rows.jsonl: 20 examples" in said
    assert "plan       2 epochs, 6 batches of 8: 40 examples to do" in said
    assert re.search(r"generator  gpt-4o-mini: 40 calls, about [\d,]+ \+ 12,000 tokens, \$0\.\d{4}", said)
    assert re.search(r"total      80 calls, \$0\.\d{4}", said)
    assert said.endswith("no call was made\n")


def test_an_unknown_price_is_said_and_given_prices_are_used(inside: Inside, closed: str) -> None:
    models = ("--generator-model", "openai/nobody-knows", "--reflector-model", "openai/nobody-knows")
    said = plan(inside, closed, *models)
    assert "unknown price" in said.splitlines()[-2]
    inside.set(**{
        f"ACE_MODELS__{role}__{kind}_PRICE": "1" for role in ("GENERATOR", "REFLECTOR") for kind in ("INPUT", "OUTPUT")
    })  # fmt: skip
    assert "unknown price" not in plan(inside, closed, *models)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("localhost:8000/v1", "Did you mean http://localhost:8000/v1?"),
        (f"me:{CANARY}@127.0.0.1:8000", "Give a whole address, such as http://localhost:8000/v1."),
    ],
)
def test_an_address_without_its_scheme_is_refused_before_there_is_a_run(
    inside: Inside, address: str, hint: str
) -> None:
    shutil.copy(ROOT / "examples/gsm8k_20.jsonl", inside.cwd / "rows.jsonl")
    done = inside("train", "--input", "rows.jsonl", "--api-base", address, "--generator-model", "openai/m")
    assert done.code == 2
    assert done.err == (
        f"error: openai/m: the API base begins with neither http:// nor https://\nhint: {hint}\n"
    )
    assert [path.name for path in inside.cwd.iterdir()] == ["rows.jsonl"]


def test_a_dry_run_refuses_what_a_real_start_would(inside: Inside, closed: str) -> None:
    plan(inside, closed)
    for flags, word in (
        (["--input", "nothing.jsonl"], "nothing.jsonl"),
        (["--input", "rows.jsonl", "--scorer", "numric"], "numeric"),
        (["--input", "rows.jsonl", "--generator-model", "openai/unknown", "--max-cost", "1"], "price"),
    ):
        done = inside("train", *flags, "--dry-run", "--api-base", closed)
        assert done.code == 2
        assert word in done.err
