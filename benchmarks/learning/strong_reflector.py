"""A Reflector that knows the rules of a task: an OpenAI-compatible server on loopback, for what a better reflector model would teach.

To each training row it gives the rule that decides it, or two of the rules where several do, worded in one of several ways; in a share of the
replies, junk stands beside the rule or instead of it: empty advice, the row retold, a rule with a wrong ending, a rule of something else. All of
it depends on the row's text alone.

    python -m benchmarks.learning.strong_reflector TASK PORT [--junk 0.3]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.learning.tasks.rules import decisive

TASKS = Path(__file__).parent / "tasks"

_WAYS = (
    "When {case}, {then}.",
    "If {case}, {then}.",
    "Whenever {case}, {then}.",
    "{then_} when {case}.",
    "{then_} if {case}.",
)
_EMPTY = (
    "Read the question carefully before answering.",
    "Make sure that the answer fits the question.",
    "Think step by step and check the result.",
)
_ELSEWHERE = (
    "When a title is long, put its first word in capitals.",
    "When a price is in francs, divide it by ten.",
    "When a river is named, write its length in miles.",
)
_LESSONS = 2
"""Of a reply, at most, junk apart."""


class Teacher:
    """The replies. ``junk`` is the share of rows whose reply holds some."""

    def __init__(self, task: str, junk: float) -> None:
        folder = TASKS / task
        self._junk = junk
        self._rules = (folder / "gold.txt").read_text("utf-8").splitlines()
        keys = dict(line.split("\t") for line in (folder / "key.txt").read_text("utf-8").splitlines())
        files = [file for split in ("train", "dev") if (file := folder / f"{split}.jsonl").exists()]
        rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
        self._rows = {row["question"]: (row, decisive(task, keys[row["id"]])) for row in rows}

    def reflect(self, prompt: str) -> dict[str, Any]:
        """The reply to a Reflector's prompt: of the training question that stands in it last."""
        at, question = max((prompt.rfind(question), question) for question in self._rows)
        if at < 0:
            return {"reasoning": "No such row.", "insights": []}
        row, lines = self._rows[question]
        chosen = sorted(lines, key=lambda line: _share("line", line, question))[:_LESSONS]
        lessons = [self._worded(self._rules[line - 1], f"{question}{line}") for line in chosen]
        if _share("junk", question) < self._junk:
            junk = self._junk_of(question, row["answer"], chosen[0] - 1)
            lessons = [junk] if _share("alone", question) < 0.5 else [*lessons, junk]
        insights = [{"content": text, "section": "helpful", "confidence": 0.8} for text in lessons]
        return {"reasoning": "Compared with the truth.", "insights": insights, "bullet_tags": []}

    def _worded(self, rule: str, salt: str) -> str:
        case, _, then = rule.removeprefix("When ").rstrip(".").partition(", ")
        if not then:
            return rule
        return _pick(_WAYS, "way", salt).format(case=case, then=then, then_=then[0].upper() + then[1:])

    def _junk_of(self, question: str, answer: str, number: int) -> str:
        kind = _pick(("empty", "retold", "wrong", "elsewhere"), "kind", question)
        if kind == "empty":
            return _pick(_EMPTY, "which", question)
        if kind == "retold":
            return f"The answer to '{question[-80:]}' is {answer}."
        if kind == "elsewhere":
            return _pick(_ELSEWHERE, "which", question)
        other = self._rules[(number + 7) % len(self._rules)]
        case = self._rules[number].partition(", ")[0]
        return f"{case}, {other.partition(', ')[2]}"


def _share(*parts: object) -> float:
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _pick(options: Sequence[str], *parts: object) -> str:
    return options[int(_share(*parts) * len(options))]


def serve(teacher: Teacher, port: int) -> ThreadingHTTPServer:
    """A server that answers every chat request as ``teacher`` would; its caller runs it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = json.dumps(teacher.reflect(asked["messages"][-1]["content"]))
            usage = {name: len(re.findall(r"\w+", text)) for name in ("prompt_tokens", "completion_tokens")}
            reply = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                ],
                "usage": usage | {"total_tokens": sum(usage.values())},
            }
            body = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Requests are not told."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task")
    parser.add_argument("port", type=int)
    parser.add_argument("--junk", type=float, default=0.3)
    chosen = parser.parse_args()
    serve(Teacher(chosen.task, chosen.junk), chosen.port).serve_forever()


if __name__ == "__main__":
    main()
