"""Every setting of a run, defined once: its key, flag, environment variable, default and help text.

A setting is *identity* (it decides what the playbook becomes; a run keeps it for life), *runtime* (it
decides how the run is carried out, never its result) or *secret* (as runtime, and never written anywhere).
``layers`` reads the layers; this module only says what there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from ace_cli.playbook.bullet import PlaybookStage
from ace_cli.text import is_valid


class Kind(StrEnum):
    IDENTITY = "identity"
    RUNTIME = "runtime"
    SECRET = "secret"


def _setting(
    default: Any, kind: Kind, help: str, *, flag: str | None = None, allowed: str = "", **limits: Any
) -> Any:
    """A field of a section. ``allowed`` is what an error says about good values."""
    return Field(
        default,
        description=help,
        json_schema_extra={"kind": kind.value, "flag": flag, "allowed": allowed},
        validate_default=False,
        **limits,
    )


def identity(default: Any, help: str, **more: Any) -> Any:
    return _setting(default, Kind.IDENTITY, help, **more)


def runtime(default: Any, help: str, **more: Any) -> Any:
    return _setting(default, Kind.RUNTIME, help, **more)


def secret(default: Any, help: str, **more: Any) -> Any:
    return _setting(default, Kind.SECRET, help, **more)


_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.I)


def _seconds(value: object) -> object:
    """``90``, ``90s``, ``15m``, ``1h30m`` as seconds; anything else is left to the validator."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())) and found.group():
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds
    return value


def _failures(value: object) -> object:
    """``10`` is a count, ``0.2`` or ``20%`` a share of the examples attempted."""
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("%"):
            return float(text[:-1]) / 100
        return float(text) if "." in text else int(text)
    return value


def _check_failures(value: int | float) -> int | float:
    if isinstance(value, float) and not 0 <= value <= 1:
        raise ValueError("a share lies between 0 and 1")
    return value


def _check_extra(value: dict[str, Any]) -> dict[str, Any]:
    """No keys, at any depth, and nothing that JSON has no form for: it goes into the store and over the wire."""

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for name, inner in node.items():
                walk(name)
                if re.search(r"api[_-]?key|authorization|token$|secret|password|headers$", str(name), re.I):
                    raise ValueError(
                        f"{name!r} belongs into api_key or headers, which are never written to disk"
                    )
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)
        elif not (
            node is None
            or (isinstance(node, str) and is_valid(node))
            or (isinstance(node, int | float) and abs(node) < 2**63)
        ):
            raise ValueError("texts, switches, finite numbers, and tables and lists of them")

    walk(value)
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Failures = Annotated[
    Annotated[int, Field(ge=0)] | float, BeforeValidator(_failures), AfterValidator(_check_failures)
]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _sound_text(cls, value: Any) -> Any:
        """Neither a path nor a name can hold NUL, nor a file or a request what is no Unicode: better said early."""
        if isinstance(value, str) and ("\0" in value or not is_valid(value)):
            raise ValueError("valid Unicode text without NUL characters")
        return value


class DataSettings(Section):
    """Where the examples come from."""

    dataset: str = identity(
        "gsm8k",
        "gsm8k, custom (with --input), or any Hugging Face id or local folder",
        flag="--dataset",
    )
    input: str | None = runtime(
        None, "File or folder for --dataset custom: .json, .jsonl, .csv, .tsv, .parquet", flag="--input"
    )
    config: str | None = identity(None, "Configuration of a Hugging Face dataset", flag="--dataset-config")
    split: str = identity("train", "Split of a Hugging Face dataset", flag="--split")
    num_examples: int | None = identity(
        100, "How many examples; 0 takes all", flag="--num-examples", ge=0, allowed="a whole number from 0"
    )
    question_field: str | None = identity(None, "Field that holds the question", flag="--question-field")
    answer_field: str | None = identity(None, "Field that holds the answer", flag="--answer-field")
    domain_field: str | None = identity(None, "Field that holds the domain", flag="--domain-field")
    context_field: str | None = identity(None, "Field that holds further context", flag="--context-field")
    id_field: str | None = identity(None, "Field that holds the id", flag="--id-field")
    shuffle: bool = identity(False, "Draw the examples at random, by the seed", flag="--shuffle")
    skip_invalid: bool = identity(
        False, "Leave out bad rows (counted and listed) instead of refusing them", flag="--skip-invalid"
    )

    @model_validator(mode="before")
    @classmethod
    def _input_means_custom(cls, values: Any) -> Any:
        """``--input`` alone says what is meant."""
        if isinstance(values, dict) and values.get("input") is not None and "dataset" not in values:
            return {**values, "dataset": "custom"}
        return values


class RoleSettings(Section):
    """One model with its parameters."""

    model: str | None = identity(None, "Model of this role, as litellm names it, or local/...")
    api_base: str | None = runtime(None, "Address of this role's API, if not the provider's own")
    api_key: SecretStr | None = secret(None, "Key of this role's API, if not in the provider's variable")
    headers: dict[str, SecretStr] = secret({}, "Further HTTP headers, kept secret")
    temperature: float | None = identity(0.0, "Sampling temperature; unset with an empty text", ge=0, le=2)
    max_tokens: int | None = identity(None, "Longest reply in tokens; unset: the provider's choice", ge=1)
    timeout: Seconds = runtime(
        120.0,
        "How long a call may take until it is tried again (90s, 5m)",
        gt=0,
        allowed="a duration such as 90s or 5m",
    )
    extra: Annotated[dict[str, Any], AfterValidator(_check_extra)] = identity(
        {}, "Any further parameter of the provider, handed through as it is"
    )
    prompt_style: Literal["auto", "json", "plain"] = identity(
        "auto", "How to ask: JSON, or plain text for small models", allowed="auto, json, plain"
    )
    input_price: Money | None = runtime(None, "US dollars per million prompt tokens, if litellm has no price")
    output_price: Money | None = runtime(
        None, "US dollars per million completion tokens, if litellm has no price"
    )


class GeneratorSettings(RoleSettings):
    model: str = identity("gpt-4-turbo", "Model that answers the examples", flag="--generator-model")


class ReflectorSettings(RoleSettings):
    model: str = identity("gpt-4o-mini", "Model that learns from the answers", flag="--reflector-model")


class CuratorSettings(RoleSettings):
    model: str | None = identity(
        None, 'Model that decides unclear merges (with stages.curator = "llm")', flag="--curator-model"
    )


class ModelsSettings(Section):
    """Which models, and how to reach them."""

    api_base: str | None = runtime(
        None, "Address of an OpenAI-compatible server, for all roles that set none", flag="--api-base"
    )
    embedding: str = identity(
        "wordllama",
        "Embedding model of the merge: wordllama (built in), or as litellm names it",
        flag="--embedding-model",
    )
    embedding_price: Money | None = runtime(
        None, "US dollars per million tokens of the embedding model, if litellm has no price"
    )
    generator: GeneratorSettings = GeneratorSettings()
    reflector: ReflectorSettings = ReflectorSettings()
    curator: CuratorSettings = CuratorSettings()


class StagesSettings(Section):
    """Replaceable parts: a built-in name, an entry point's name, or package.module:Class."""

    generator: str = identity("default", "Generator", flag="--generator")
    reflector: str = identity("default", "Reflector", flag="--reflector")
    curator: str = identity("semantic", "Curator: semantic, llm, or your own", flag="--curator")
    sameness: str = identity(
        "rules", "What tells whether two lessons are the same: rules, or your own", flag="--sameness"
    )
    prompts: str | None = identity(None, "Folder with prompt texts that replace ours", flag="--prompts")


class TrainingSettings(Section):
    """How the playbook is trained."""

    batch_size: int = identity(
        10, "Examples that see the same playbook", flag="--batch-size", ge=1, allowed="a whole number from 1"
    )
    epochs: int = identity(
        1, "Passes over the examples", flag="--epochs", ge=1, allowed="a whole number from 1"
    )
    seed: int = identity(
        0,
        "Seed of everything that is drawn",
        flag="--seed",
        ge=-(2**63),
        le=2**63 - 1,
        allowed="a whole number of 64 bits",
    )
    lookahead: int = identity(
        0,
        "Batches that may start before the previous one is merged (faster, learns a little later)",
        flag="--lookahead",
        ge=0,
        allowed="a whole number from 0",
    )
    scorer: str = identity(
        "auto", "Scorer: auto, numeric, exact, choice, contains, or package.module:Scorer", flag="--scorer"
    )
    reflection_rounds: int = identity(
        0,
        "Further tries at a wrong answer, with the reflection at hand",
        flag="--reflection-rounds",
        ge=0,
        allowed="a whole number from 0",
    )
    similarity_threshold: Share = identity(
        0.8,
        "Cosine from which an insight repeats a bullet",
        flag="--similarity-threshold",
        allowed="a number from 0 to 1",
    )
    target_stage: Literal["shadow", "production"] = identity(
        "shadow", "Stage of new bullets", flag="--target-stage", allowed="shadow, production"
    )
    quarantine_min_votes: int = identity(
        3,
        "Votes before a bullet with more harmful than helpful ones is quarantined; 0 never",
        flag="--quarantine-min-votes",
        ge=0,
        allowed="a whole number from 0",
    )
    context_budget: int = identity(
        8000,
        "Tokens of playbook in a prompt; a larger playbook is searched by question",
        flag="--context-budget",
        ge=0,
        allowed="a whole number from 0",
    )
    max_bullets: int | None = identity(
        None,
        "Most bullets in a prompt; unset: all that fit (3 for small local models)",
        flag="--max-bullets",
        ge=0,
        allowed="a whole number from 0",
    )
    initial_playbook: str | None = identity(
        None, "Playbook, checkpoint or run to start from", flag="--initial-playbook"
    )


class OutputSettings(Section):
    """What is written where."""

    playbook: str = runtime("playbooks/offline_trained.json", "The trained playbook", flag="--output")
    metrics: str = runtime(
        "metrics/offline_training_metrics.json", "The metrics of the run", flag="--metrics-output"
    )
    run_dir: str | None = runtime(None, "Folder of this run; unset: a new one in runs/", flag="--run-dir")
    checkpoints: bool = runtime(True, "Write checkpoint files", flag="--checkpoints")
    checkpoint_interval: int = runtime(
        50,
        "Examples between two checkpoint files",
        flag="--checkpoint-interval",
        ge=1,
        allowed="a whole number from 1",
    )


class ExecutionSettings(Section):
    """How hard to push, and how patient to be."""

    concurrency: int = runtime(
        16, "Calls in flight at most", flag="--concurrency", ge=1, le=1000, allowed="1 to 1000"
    )
    max_retries: int = runtime(
        8,
        "Further tries of a call whose failure may pass",
        flag="--max-retries",
        ge=0,
        le=100,
        allowed="0 to 100",
    )
    retry_horizon: Seconds = runtime(
        600.0,
        "How long an outage is waited out before the run stops, resumable (90s, 10m, 1h)",
        flag="--retry-horizon",
        allowed="a duration such as 90s, 10m or 1h",
    )
    grace_period: Seconds = runtime(
        30.0,
        "After Ctrl-C, how long calls in flight may finish (a second Ctrl-C ends at once)",
        flag="--grace-period",
        allowed="a duration such as 10s or 1m",
    )


class LimitSettings(Section):
    """When to stop; the run can be resumed with a higher limit. Totals hold across resumes."""

    max_cost: Money | None = runtime(
        None, "US dollars for the whole run", flag="--max-cost", allowed="an amount such as 2.50"
    )
    max_tokens: int | None = runtime(
        None, "Tokens (prompt + completion)", flag="--max-tokens", ge=0, allowed="a whole number from 0"
    )
    max_calls: int | None = runtime(
        None, "Model calls", flag="--max-calls", ge=0, allowed="a whole number from 0"
    )
    max_time: Seconds | None = runtime(
        None,
        "Time of work, over all resumes (90s, 15m, 8h)",
        flag="--max-time",
        allowed="a duration such as 90s, 15m or 8h",
    )
    max_failures: Failures = runtime(
        0.5,
        "Failed examples that stop the run: a count (10) or a share (0.2, 20%)",
        flag="--max-failures",
        allowed="a count such as 10, or a share such as 0.2 or 20%",
    )


class DisplaySettings(Section):
    """What is shown."""

    progress: Literal["auto", "rich", "plain", "json", "none"] = runtime(
        "auto",
        "auto, rich, plain, json (one event a line) or none",
        flag="--progress",
        allowed="auto, rich, plain, json, none",
    )
    quiet: bool = runtime(False, "Only errors and the results", flag="--quiet")


class Settings(Section):
    """All of it. TOML keys, environment variables and flags follow from here."""

    data: DataSettings = DataSettings()
    models: ModelsSettings = ModelsSettings()
    stages: StagesSettings = StagesSettings()
    training: TrainingSettings = TrainingSettings()
    output: OutputSettings = OutputSettings()
    execution: ExecutionSettings = ExecutionSettings()
    limits: LimitSettings = LimitSettings()
    display: DisplaySettings = DisplaySettings()

    def at(self, path: str) -> Any:
        """The value at a dotted path such as ``training.batch_size``."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value


@dataclass(frozen=True, slots=True)
class Definition:
    """One setting, as the model defines it."""

    path: str
    field: FieldInfo
    kind: Kind
    flag: str | None
    allowed: str

    @property
    def env(self) -> str:
        return "ACE_" + self.path.upper().replace(".", "__")

    @property
    def section(self) -> str:
        return self.path.split(".")[0]

    @property
    def is_switch(self) -> bool:
        return self.field.annotation is bool

    @property
    def is_duration(self) -> bool:
        return "duration" in self.allowed

    @property
    def help(self) -> str:
        return self.field.description or ""

    @property
    def default(self) -> Any:
        return self.field.default


def definitions(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Definition]:
    """Every setting, in the order of the model.

    Raises:
        TypeError: a field has no kind (every new one must choose).
    """
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from definitions(field.annotation, f"{path}.")
            continue
        extra = field.json_schema_extra
        if not isinstance(extra, dict) or "kind" not in extra:
            raise TypeError(f"the setting {path} does not say whether it is identity, runtime or secret")
        yield Definition(
            path, field, Kind(str(extra["kind"])), _text(extra.get("flag")), str(extra.get("allowed") or "")
        )


def values(settings: Settings, kind: Kind) -> dict[str, Any]:
    """Dotted path -> plain JSON value, of all settings of one kind."""
    found: dict[str, Any] = {}
    for definition in definitions():
        if definition.kind is kind:
            value = settings.at(definition.path)
            found[definition.path] = value.value if isinstance(value, PlaybookStage) else value
    return found


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return tree


def is_unlimited(value: float | None) -> bool:
    return value is None or math.isinf(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
