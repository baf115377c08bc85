"""The HTML page: one file, its own policy, and playbook text that stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ace_cli.playbook import Bullet, Playbook
from ace_cli.report.html.page import render_page
from support.fuzzing import usually
from support.inside import Inside
from support.inspect_samples import make_run, write
from support.report_samples import HISTORY, HOSTILE, curve, evaluation, run


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script and style."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style") and data.strip():
            self.raw.append((self.tags[-1][0], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


HOSTILE_BOOK = Playbook(
    bullets=(
        Bullet("B1", f"{HOSTILE}\ud800", HOSTILE, sources=(HOSTILE,), extra={HOSTILE: HOSTILE}),
        Bullet("B2", "x"),
    ),
    created_at=HOSTILE,
    training_config={"dataset": HOSTILE, HOSTILE: HOSTILE},
)
PAGES = {
    "a playbook": render_page(HOSTILE_BOOK, title=HOSTILE),
    "a run": render_page(HOSTILE_BOOK, title=HOSTILE, run=run(), history=HISTORY),
    "an evaluation": render_page(HOSTILE_BOOK, title=HOSTILE, evaluation=evaluation()),
    "an empty one": render_page(Playbook(), title="x"),
}


@pytest.mark.parametrize("data", PAGES.values(), ids=PAGES.keys())
def test_nothing_is_loaded_and_nothing_of_the_playbook_becomes_markup(data: bytes) -> None:
    page = Page(data)
    assert [attrs.get("type") for attrs in page.all("script")] == ["application/json", None]
    assert not [
        tag for tag, _ in page.tags if tag in ("img", "iframe", "link", "object", "embed", "base", "use")
    ]
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on") or name in ("src", "style", "srcset")]
        assert attrs.get("href", "#").startswith("#")  # type: ignore[union-attr]
    assert not re.search(rb"https?://(?!www\.w3\.org/)", data)
    assert b"\x00" not in data


@pytest.mark.parametrize("data", PAGES.values(), ids=PAGES.keys())
def test_the_policy_allows_just_the_pages_own_script_and_style(data: bytes) -> None:
    page = Page(data)
    (policy,) = [
        meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    texts = {tag: text for tag, text in page.raw if not text.startswith('{"bullets"')}
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(texts[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_data_are_the_bullets_with_their_history() -> None:
    data = json.loads(next(text for _, text in Page(PAGES["a run"]).raw if text.startswith('{"bullets"')))
    assert [row[0] for row in data["bullets"]] == ["B1", "B2"]
    assert data["bullets"][0][1] == f"{HOSTILE}\ufffd"
    assert [moment[1] for moment in data["history"]["B1"]] == ["taught", "merged", "cited"]
    assert data["history"]["B1"][1][4] == 0.9


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=usually(100))
def test_any_text_survives_the_way_into_the_page(text: str) -> None:
    book = Playbook(bullets=(Bullet("B1", text),), training_config={"dataset": text})
    page = Page(render_page(book, title=text))
    data = json.loads(next(raw for _, raw in page.raw if raw.startswith('{"bullets"')))
    assert data["bullets"][0][1] == text
    assert [attrs.get("type") for attrs in page.all("script")] == ["application/json", None]


def test_a_runs_charts_and_tables_are_there() -> None:
    text = PAGES["a run"].decode()
    for title in (
        "First-sight accuracy",
        "Bullets in the playbook",
        "Cost in US dollars",
        "Bullets by confidence",
        "Costs by role",
    ):
        assert title in text
    assert text.count("<svg") == 5
    assert text.count('class="line') >= 4
    assert text.count('class="dot') >= 20
    assert "<title>40 % after 30 examples</title>" in text
    assert "Failed examples (30)" in text
    assert "and 10 more" in text


def test_an_evaluation_says_whether_it_helps_and_draws_what_it_measured() -> None:
    text = PAGES["an evaluation"].decode()
    assert "helps: +32 points, 95 % interval 13 to 49" in text
    assert "Accuracy with its 95 % interval" in text
    assert "<title>all examples: +32, 95 % interval +13 to +49</title>" in text
    assert text.count('class="whisker') == 3 * (2 + 1 + 2), "both arms, all examples, two domains"
    assert text.count('class="zero') == 1
    assert "Better with the playbook (15)" in text
    assert "Worse with the playbook (2)" in text
    assert "Bullets by effect" in text


@pytest.mark.parametrize("batches", [0, 1, 2, 300])
def test_a_curve_of_any_length_is_drawn(batches: int) -> None:
    text = render_page(HOSTILE_BOOK, title="x", run=run(curve=curve(batches))).decode()
    assert ("Bullets in the playbook" in text) == (batches > 0)


def test_tokens_are_drawn_where_a_price_is_unknown() -> None:
    text = render_page(HOSTILE_BOOK, title="x", run=run(curve=curve(3, cost=None))).decode()
    assert "<h3>Tokens</h3>" in text
    assert "US dollars</h3>" not in text


def test_a_runs_page_is_called_by_its_data_and_explains_itself(inside: Inside) -> None:
    make_run(inside.cwd / "runs/20261123-112911-gsm8k-1a2b", state="stopped")
    assert inside("export", "1a2b", "-o", "page.html").code == 0
    text = (inside.cwd / "page.html").read_text("utf-8")
    assert "<title>Playbook of gsm8k · ace</title>" in text
    assert "<h1>Playbook of gsm8k</h1>" in text
    assert "run <b>20261123-112911-gsm8k-1a2b</b>" in text
    assert text.count(">examples seen</text>") == 3
    for name in ("right answers", "bullets", "spent so far", "confidence, from"):
        assert f">{name}</text>" in text
    assert "<dd>stopped</dd>" in text
    assert "The run is stopped: spent $1.00 of $1.00" in text
    assert inside("export", "1a2b", "-o", "named.html", "--name", "My page").code == 0
    assert "<h1>My page</h1>" in (inside.cwd / "named.html").read_text("utf-8")


def test_quarantined_bullets_on_a_page_are_explained(inside: Inside) -> None:
    book = write(inside.cwd / "p.json")
    for flags, explained in (([], False), (["--include-quarantined"], True)):
        assert inside("export", book, "-o", "p.html", "--force", *flags).code == 0
        page = (inside.cwd / "p.html").read_text("utf-8")
        assert ("They are kept for you to read, but stand in no prompt" in page) is explained


def test_numbers_are_written_one_way(inside: Inside) -> None:
    bullets = [{"id": f"B{n}", "content": f"lesson {n}"} for n in range(1, 1202)]
    book = write(inside.cwd / "p.json", bullets)
    assert inside("export", book, "-o", "p.txt").err.startswith("1,201 of 1,201 bullets to p.txt as prompt")
    assert inside("inspect", book, "--limit", "1100").err == "1,100 of 1,201 bullets\n"
