"""The scripted server itself: what the other tests rely on."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.scripted_roles import LESSONS, Truth, embed
from support.scripted_server import MOMENT, STICKY, Faults, Outage, ScriptedServer

PAIRS = {f"How many apples has person number {n} after the {n}-th day?": str(n * 3) for n in range(40)}


def ask(server: ScriptedServer, role: str, user: str, bullets: str = "") -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    system = f"You are the {role} of a system.\n{bullets}"
    body = {
        "model": "m",
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
    }
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    reply: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    content: dict[str, Any] = json.loads(reply["choices"][0]["message"]["content"])
    return content


def test_a_fitting_bullet_makes_the_answer_right() -> None:
    with ScriptedServer(PAIRS, right=0.0) as server:
        for question, truth in list(PAIRS.items())[:5]:
            alone = ask(server, "Generator", f"Question: {question}")
            assert alone["final_answer"] != truth
            lesson = ask(server, "Reflector", f"Question: {question}\nTruth: {truth}")["insights"][0][
                "content"
            ]
            helped = ask(
                server, "Generator", f"Question: {question}", f"[B007] {lesson}\n[B008] something else"
            )
            assert helped["final_answer"] == truth
            assert "B007" in helped["bullet_ids"]
        assert [entry.role for entry in server.log[:3]] == ["generator", "reflector", "generator"]
        assert server.log[0].question == 0


def test_the_same_prompt_gets_the_same_reply_from_another_server() -> None:
    replies = []
    for _ in range(2):
        with ScriptedServer(PAIRS) as server:
            replies.append([ask(server, "Reflector", q) for q in PAIRS])
    assert replies[0] == replies[1]
    wordings = [insight["content"] for reply in replies[0] for insight in reply["insights"]]
    assert 1 < len(set(wordings)) <= len(wordings)


def test_the_curator_merges_what_says_the_same() -> None:
    with ScriptedServer() as server:
        decisions = ask(
            server,
            "Curator",
            f"Insight 1: Always {LESSONS[0]}.\n[B003] {LESSONS[1]}\n[B004] {LESSONS[0]}\nInsight 2: new",
        )["decisions"]
    assert [(d["insight"], d["action"], d["bullet_id"]) for d in decisions] == [
        (1, "merge", "B004"),
        (2, "add", None),
    ]


def test_the_question_that_stands_last_counts_and_the_longest_of_those() -> None:
    truth = Truth({"Is it 1?": "a", "Is it 1? Or is it 2?": "b", "Short": "c"})
    assert truth.find("Example: Short\nQuestion: Is it 1?\n Or is it 2?\nGo on") == "Is it 1? Or is it 2?"
    assert truth.find("nothing known") is None


def test_faults_depend_on_the_request_and_its_tries_alone() -> None:
    faults = Faults(rate=0.3, kinds=(*MOMENT, *STICKY), seed=5)
    plan = [[faults.of(f"sha{n}", number) for number in range(6)] for n in range(300)]
    assert plan == [[faults.of(f"sha{n}", number) for number in range(6)] for n in range(300)]
    assert 0.25 < sum(row[0] is not None for row in plan) / 300 < 0.55
    for row in plan:
        assert row[0] in STICKY or row[3:] == [None] * 3
        assert row[0] not in STICKY or len(set(row)) == 1


def test_an_outage_starts_with_a_request_and_ends_in_time() -> None:
    with ScriptedServer(PAIRS, outage=Outage(2, 3600, kind="error_503")) as server:
        statuses = []
        for _ in range(4):
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("POST", "/v1/chat/completions", '{"model": "m", "messages": []}')
            statuses.append(connection.getresponse().status)
            connection.close()
    assert statuses == [200, 200, 503, 503]


def test_texts_with_the_same_words_are_near() -> None:
    def cosine(a: str, b: str) -> float:
        return sum(x * y for x, y in zip(embed(a), embed(b), strict=True))

    assert cosine(LESSONS[0], f"Always {LESSONS[0]}") > 0.85
    assert cosine(LESSONS[0], LESSONS[1]) < 0.5


def test_it_is_a_process_of_its_own_for_benchmarks() -> None:
    command = [sys.executable, "-m", "support.scripted_server"]
    tests = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=tests, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = server.stdout.readline()
        server.terminate()
    assert address.startswith("http://127.0.0.1:")
