"""Every setting of a run, defined once: its key, flag, environment variable, default, kind and help text.

``layers`` reads the layers; this module only says what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from ace_cli.settings.definition import Definition, Form, Group, definitions, identity, runtime, secret
from ace_cli.settings.values import (
    AUTO,
    Addresses,
    Concurrency,
    Count,
    Extra,
    Failures,
    Integer64,
    Money,
    Names,
    Positive,
    Seconds,
    SecretTable,
    Share,
    Size,
    Table,
    Trackers,
    UserPath,
)


class DataSettings(Group):
    """Where the examples come from."""

    dataset: str = identity(
        "gsm8k", "gsm8k, custom (with --input), or any Hugging Face id or local folder", in_header=0
    )
    input: UserPath | None = runtime(
        None, "File or folder for --dataset custom: .json, .jsonl, .csv, .tsv, .parquet"
    )
    config: str | None = identity(None, "Configuration of a Hugging Face dataset", flag="--dataset-config")
    split: str = identity("train", "Split of a Hugging Face dataset", in_header=7)
    num_examples: Count | None = identity(100, "How many examples; 0 takes all")
    question_field: str | None = identity(None, "Field that holds the question")
    answer_field: str | None = identity(None, "Field that holds the answer")
    domain_field: str | None = identity(None, "Field that holds the domain")
    context_field: str | None = identity(None, "Field that holds further context")
    id_field: str | None = identity(None, "Field that holds the id")
    shuffle: bool = identity(False, "Draw the examples at random, by the seed", in_header=6)
    skip_invalid: bool = identity(False, "Skip bad rows (counted and listed) instead of refusing the dataset")

    @model_validator(mode="before")
    @classmethod
    def _input_means_custom(cls, values: Any) -> Any:
        """``--input`` alone says what is meant."""
        if isinstance(values, dict) and values.get("input") is not None and "dataset" not in values:
            return {**values, "dataset": "custom"}
        return values


PROMPT_STYLE = (
    "How to ask: json; guided, for a small Reflector: json with worked examples; plain text for the smallest models; "
    "auto: json, and a local model as it can be asked"
)


class RoleSettings(Group):
    """One model with its parameters."""

    model: str | None = identity(None, "Model of this role, as litellm names it, or local/...")
    api_base: Addresses | None = runtime(
        None,
        "Address of this role's API, if not the provider's own; of several, each takes a part of the calls",
    )
    api_key: SecretStr | None = secret(None, "Key of this role's API, if not in the provider's variable")
    headers: SecretTable = secret({}, "Further HTTP headers, kept secret")
    temperature: float | None = identity(0.0, "Sampling temperature; an empty value unsets it", ge=0, le=2)
    max_tokens: int | None = identity(None, "Longest reply in tokens; unset: the provider's choice", ge=1)
    timeout: Seconds = runtime(120.0, "How long a call may take until it is tried again (90s, 5m)", gt=0)
    extra: Extra = identity({}, "Further parameters of the provider, passed on unchanged")
    prompt_style: Literal["auto", "json", "guided", "plain"] = identity("auto", PROMPT_STYLE)
    input_price: Money | None = runtime(None, "US dollars per million prompt tokens, if litellm has no price")
    output_price: Money | None = runtime(
        None, "US dollars per million completion tokens, if litellm has no price"
    )


class GeneratorSettings(RoleSettings):
    model: str = identity(
        "gpt-4-turbo", "Model that answers the examples", flag="--generator-model", in_header=1
    )
    prompt_style: Literal["auto", "json", "plain"] = identity("auto", PROMPT_STYLE, in_header=20)


class ReflectorSettings(RoleSettings):
    model: str = identity(
        "gpt-4o-mini", "Model that learns from the answers", flag="--reflector-model", in_header=2
    )


class CuratorSettings(RoleSettings):
    model: str | None = identity(
        None, "Model that decides unclear merges; unset: the reflector's", flag="--curator-model"
    )


class ModelsSettings(Group):
    """Which models, and how to reach them."""

    model: str | None = identity(
        None, "Model of Generator and Reflector, where neither is named", flag="--model"
    )
    api_base: Addresses | None = runtime(
        None,
        "Address of an OpenAI-compatible server, for all roles that set none; several (A,B) share the calls",
    )
    embedding: str = identity(
        "wordllama",
        "Embedding model of the merge: wordllama (built in), as litellm names it, or package.module:Class",
        flag="--embedding-model",
        in_header=13,
    )
    embedder_args: Table = identity({}, "Keyword arguments of an embedder of your own")
    embedding_api_base: Addresses | None = runtime(
        None, "Address of the embedding model's API; unset: that of all roles", flag=None
    )
    embedding_api_key: SecretStr | None = secret(
        None, "Key of the embedding model's API, if not in the provider's variable"
    )
    embedding_headers: SecretTable = secret({}, "Further HTTP headers for the embedding model, kept secret")
    embedding_timeout: Seconds = runtime(
        60.0, "How long a call for vectors may take until it is tried again", flag=None, gt=0
    )
    embedding_price: Money | None = runtime(
        None, "US dollars per million tokens of the embedding model, if litellm has no price", flag=None
    )
    callbacks: Names = runtime(
        [],
        "Who else gets every prompt and reply: litellm's callbacks (langfuse, opik, mlflow, otel ...), or package.module:Object",
    )
    generator: GeneratorSettings = GeneratorSettings.model_construct()
    reflector: ReflectorSettings = ReflectorSettings.model_construct()
    curator: CuratorSettings = CuratorSettings.model_construct()

    @property
    def roles(self) -> dict[str, RoleSettings]:
        """By name; the curator only where it has a model."""
        roles: dict[str, RoleSettings] = {"generator": self.generator, "reflector": self.reflector}
        return roles if self.curator.model is None else {**roles, "curator": self.curator}


class StagesSettings(Group):
    """Replaceable parts: a built-in name, an entry point's name, or package.module:Class."""

    generator: str = identity("default", "Generator")
    generator_args: Table = identity({}, "Keyword arguments of the Generator")
    generator_edition: Annotated[int, Field(ge=1, le=4)] = identity(
        4,
        "Edition of what the built-in Generator asks for; a run keeps its own",
        earlier=1,
    )
    reflector: str = identity("default", "Reflector")
    reflector_args: Table = identity({}, "Keyword arguments of the Reflector")
    reflector_edition: Annotated[int, Field(ge=1, le=3)] = identity(
        3,
        "Edition of what the built-in Reflector asks for; a run keeps its own",
        earlier=1,
    )
    curator: str = identity("semantic", "Curator: semantic, auto, llm, or your own", in_header=14)
    curator_args: Table = identity({}, "Keyword arguments of the Curator")
    sameness: str = identity(
        "learned", "Decides whether two lessons say the same: learned, rules, or your own", earlier="rules"
    )
    sameness_args: Table = identity({}, "Keyword arguments of the sameness")
    curator_edition: Annotated[int, Field(ge=1, le=2)] = identity(
        2,
        "Edition of what the built-in Curator tells same and new lessons by; a run keeps its own",
        earlier=1,
    )
    prompts: UserPath | None = identity(None, "Folder with prompt texts that replace the built-in ones")


class TrainingSettings(Group):
    """How the playbook is trained."""

    batch_size: Positive = identity(10, "Examples that see the same playbook", in_header=3)
    epochs: Positive = identity(1, "Passes over the examples", in_header=4)
    seed: Integer64 = identity(0, "Seed of every random choice", in_header=5)
    lookahead: Annotated[
        Annotated[int, Field(ge=0, le=1_000_000)] | Literal["auto"],
        Form("auto|N", "auto, or a count (0, 1, 2 ...)"),
    ] = identity(
        "auto",
        "Batches that start before the previous one is merged (faster, learns a little later); auto: none at first, then up to 2",
        in_header=12,
    )
    scorer: str = identity(
        "auto", "Scorer: auto, numeric, exact, choice, contains, or package.module:Scorer", in_header=8
    )
    scorer_args: Table = identity({}, "Keyword arguments of the scorer")
    reflection_rounds: Count = identity(
        0, "Further attempts at a wrong answer, given the reflection on it", in_header=11
    )
    reflect_on: Literal["all", "wrong"] = identity(
        "all",
        "Answers that the Reflector is asked about: all, or wrong (right ones confirm the bullets they cite, without a call)",
        in_header=21,
    )
    similarity_threshold: Share = identity(
        0.8, "Likeness from which an insight repeats a bullet", in_header=9
    )
    target_stage: Literal["shadow", "production"] = identity("shadow", "Stage of new bullets", in_header=10)
    credit: Literal["outcome", "opinion"] = identity(
        "outcome",
        "What votes on bullets come from: outcome (verdicts of answers that cite them) or opinion (the Reflector's tags)",
    )
    allow_leaks: bool = identity(
        False,
        "Take insights that hold the answer of their example: for facts that are to be learned as they are",
    )
    refine: bool = identity(
        True,
        "Merge bullets that say the same at the end of an epoch, and before --max-playbook-tokens retires any",
    )
    max_playbook_tokens: Positive | None = identity(
        None, "Tokens of bullets in use; beyond it those without evidence are retired (kept, out of prompts)"
    )
    quarantine_min_votes: Count = identity(
        3, "Citations before a bullet under which answers do worse than without it is quarantined; 0 never"
    )
    context_budget: Count = identity(
        8000, "Tokens of playbook in a prompt; a larger playbook is searched by question", in_header=15
    )
    max_bullets: Count | None = identity(
        None, "Most bullets in a prompt; unset: all that fit, or max_bullets_plain", in_header=16
    )
    max_bullets_plain: Count = identity(
        3,
        "Most bullets in a plain-text prompt (more of them confuse a small model)",
        flag=None,
    )
    tryout: Count | None = identity(
        None,
        "Try a new lesson before it is kept: on the example that taught it, and so many similar ones; unset: no try-out",
        in_header=19,
    )
    near_bullets: Count = identity(
        4,
        "Of more than four times as many bullets, so many that are nearest to the question stand in the prompt once more; 0: none",
        in_header=18,
        earlier=0,
    )
    retrieval: Literal["words", "whole"] = identity(
        "words",
        "What of a question finds its bullets: the words that tell it from others, or all of it",
        in_header=17,
        earlier="whole",
    )
    initial_playbook: UserPath | None = identity(None, "Playbook, checkpoint or run to start from")


class ValidationSettings(Group):
    """Held-out examples that choose the best version of the playbook. The first three say which; without any, none are asked."""

    input: UserPath | None = identity(
        None, "Validation examples: a file or folder, as --input takes it", flag="--validation-input"
    )
    split: str | None = identity(
        None,
        "Validation examples: a split of the dataset (or of --validation-input)",
        flag="--validation-split",
    )
    examples: Count | None = identity(
        None,
        "How many validation examples, 0 takes all; alone: the dataset's next ones that are not trained on",
        flag="--validation-examples",
    )
    every: Positive | None = identity(
        None,
        "Batches between two validations; unset: at each quarter of the plan (the start and the end always)",
        flag="--validate-every",
    )
    keep: Literal["best", "last"] = identity(
        "best", "Which version is written: best (by validation, the start takes part) or last", flag="--keep"
    )
    patience: Positive | None = identity(
        None, "Validations without a better version that end the training early", flag="--patience"
    )
    judge: bool = identity(
        False,
        "Cut the validation examples in two: half choose, half judge the chosen version against the start",
        flag="--validation-judge",
    )

    @property
    def is_on(self) -> bool:
        return (self.input, self.split, self.examples) != (None, None, None)


class OutputSettings(Group):
    """What is written where."""

    playbook: UserPath = runtime(
        Path("playbooks/offline_trained.json"), "The trained playbook", flag="--output"
    )
    metrics: UserPath = runtime(
        Path("metrics/offline_training_metrics.json"),
        "The metrics of the run; PLAYBOOK_metrics.json beside a playbook that --output names",
        flag="--metrics-output",
    )
    run_dir: UserPath | None = runtime(None, "Folder of this run; unset: a new one in runs/")
    checkpoints: bool = runtime(True, "Write checkpoint files")
    checkpoint_interval: Positive = runtime(50, "Examples between two checkpoint files")
    track: Trackers = runtime(
        [], "Where curves, cost and playbook go as well: mlflow, wandb (extras of the same names)"
    )

    @model_validator(mode="before")
    @classmethod
    def _metrics_beside_the_playbook(cls, values: Any) -> Any:
        """A playbook that was given a name has its metrics beside it, unless they have a name as well."""
        if (
            isinstance(values, dict)
            and isinstance(values.get("playbook"), str | Path)
            and "metrics" not in values
        ):
            playbook = Path(values["playbook"])
            if playbook.name and playbook != cls.model_fields["playbook"].default:
                return {**values, "metrics": playbook.with_name(f"{playbook.stem}_metrics.json")}
        return values


class ExecutionSettings(Group):
    """How hard to push, and how patient to be."""

    concurrency: Concurrency = runtime(
        AUTO, "Most calls in flight at once; auto: from 16 on as many as give more replies a second"
    )
    max_rpm: Positive | None = runtime(None, "Most requests a minute to one model, whatever its roles")
    max_tpm: Positive | None = runtime(None, "Most tokens a minute (prompt + completion) of one model")
    max_retries: Annotated[int, Field(ge=0, le=100), Form("N", "0 to 100")] = runtime(
        8, "Retries of a call whose failure may be temporary"
    )
    retry_horizon: Seconds = runtime(
        600.0, "How long an outage is waited out before the run stops, resumable (90s, 10m, 1h)"
    )
    grace_period: Seconds = runtime(
        30.0, "After Ctrl-C, how long calls in flight may finish (a second Ctrl-C ends at once)"
    )
    executor: Literal["local", "ray"] = runtime(
        "local", "Where examples are worked on: local (this process) or ray (a cluster; needs ace-cli[ray])"
    )
    ray_address: str | None = runtime(
        None, "Ray cluster, HOST:PORT or auto; unset: RAY_ADDRESS, or one of its own on this machine"
    )
    ray_actors: Positive | None = runtime(
        None, "Workers on the cluster; unset: one a node, for local models all that fit"
    )
    ray_cpus: Annotated[float, Field(gt=0, le=1024)] = runtime(
        1.0, "CPUs that a worker takes; for a local model, rounded, its threads as well"
    )
    ray_silence: Seconds = runtime(
        60.0, "How long a worker may give no sign of life until its examples go elsewhere", flag=None, gt=0
    )
    cache: UserPath | None = runtime(
        None, "Folder with replies of earlier runs: what was asked before is not paid again; unset: none"
    )
    cache_size: Size = runtime(2**30, "Largest size of the cache; what was not used for longest goes first")


class LimitSettings(Group):
    """When to stop; the run can be resumed with a higher limit. Totals hold across resumes."""

    max_cost: Money | None = runtime(None, "US dollars for the whole run")
    max_tokens: Count | None = runtime(None, "Tokens (prompt + completion)")
    max_calls: Count | None = runtime(None, "Model calls")
    max_time: Seconds | None = runtime(None, "Working time, summed over all resumes (90s, 15m, 8h)")
    max_failures: Failures = runtime(
        0.5, "Failed examples that stop the run: a count (10) or a share (0.2, 20%)"
    )


class DisplaySettings(Group):
    """What is shown."""

    progress: Literal["auto", "rich", "plain", "json", "none"] = runtime(
        "auto", "auto, rich, plain, json (one event a line) or none"
    )
    quiet: bool = runtime(False, "Only errors and the results")


class Settings(Group):
    """All of it. TOML keys, environment variables and flags follow from here."""

    data: DataSettings = DataSettings.model_construct()
    models: ModelsSettings = ModelsSettings.model_construct()
    stages: StagesSettings = StagesSettings.model_construct()
    training: TrainingSettings = TrainingSettings.model_construct()
    validation: ValidationSettings = ValidationSettings.model_construct()
    output: OutputSettings = OutputSettings.model_construct()
    execution: ExecutionSettings = ExecutionSettings.model_construct()
    limits: LimitSettings = LimitSettings.model_construct()
    display: DisplaySettings = DisplaySettings.model_construct()

    def at(self, path: str) -> Any:
        """The value at a dotted path such as ``training.batch_size``."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value


BOTH = "models.model"
"""Stands for the models of the two roles wherever it is set: no setting holds it."""
FOR_BOTH = ("models.generator.model", "models.reflector.model")


DEFINITIONS: Mapping[str, Definition] = {d.path: d for d in definitions(Settings)}
"""Every setting by its dotted path, in the order of the model."""


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return tree
