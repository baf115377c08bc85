"""What `ace eval` found, as a terminal and a page show it."""

from __future__ import annotations

from pathlib import Path

from support.inside import Inside
from support.inspect_samples import write
from support.scripted_roles import LESSONS
from support.serving import Serve


def _evaluated(inside: Inside, serve: Serve, *more: object) -> str:
    server, data = serve(24, right=0.3)
    path = inside.cwd / "book.json"
    write(path, [{"id": f"B{n:03d}", "content": f"Always {lesson}."} for n, lesson in enumerate(LESSONS, 1)])
    where = ("--input", data, "--api-base", server.url, "--generator-model", "openai/scripted")
    done = inside("eval", *more, *where, "--run-dir", "eval")
    assert done.code == 0, done.err
    return done.out


def test_the_verdict_comes_first_then_both_arms_and_what_changed(serve: Serve, inside: Inside) -> None:
    out = _evaluated(inside, serve, "book.json")
    assert out.startswith("helps: +")
    for part in (
        "no playbook",
        "difference",
        "exact McNemar",
        "Bullets, by the answers",
        "Better with the playbook",
    ):
        assert part in out
    shown = inside("inspect", "eval")
    assert shown.code == 0, shown.err
    assert out.splitlines()[0] in shown.out


def test_a_baseline_says_what_is_missing_and_why(serve: Serve, inside: Inside) -> None:
    out = _evaluated(inside, serve)
    assert "can be gained" in out
    assert "What is missing, by cause" in out
    assert "sorted by rules" in out


def test_the_page_of_an_evaluation_draws_it(serve: Serve, inside: Inside) -> None:
    verdict = _evaluated(inside, serve, "book.json").splitlines()[0]
    done = inside("export", "eval", "-o", "page.html")
    assert done.code == 0, done.err
    page = Path(inside.cwd / "page.html").read_text("utf-8")
    assert verdict in page
    assert "Difference in points" in page
