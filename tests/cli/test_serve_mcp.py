"""`ace serve-mcp`: which bullets it hands out, and that no argument makes it fail."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.formats import dump_playbook, read_playbook
from ace_cli.serving.book import Book
from ace_cli.settings import Settings
from ace_cli.stages.prompting import settings_of_header
from support.fuzzing import fewer
from support.inside import Inside

PLAYBOOK = Path(__file__).parents[1] / "golden/playbook.json"
THINGS = ("invoices", "parcels", "passwords", "refunds", "warranty", "delivery", "login", "prices")


def book_of(path: Path, **more: Any) -> Book:
    return Book(path, settings_of_header, **more)


def large(path: Path, **header: object) -> Playbook:
    bullets = tuple(
        Bullet(
            id=f"B{n:03d}",
            content=f"Questions on {THINGS[n % 8]} of kind {n} go to desk {n * 7 % 90}.",
            domain_id=("general", "mail", "phone")[n % 3],
        )
        for n in range(1, 200)
    )
    path.write_bytes(dump_playbook(Playbook(bullets, training_config=header)))
    return read_playbook(path)


@pytest.mark.parametrize(
    "header",
    [
        {"generator_model": "gpt-4o-mini"},
        {"generator_model": "gpt-4o-mini", "context_budget": 300},
        {"generator_model": "gpt-4o-mini", "max_bullets": 7, "common_words": ["questions", "kind"]},
        {"generator_model": "local/smollm2"},
    ],
)
def test_what_is_found_is_what_the_generator_would_be_handed(
    tmp_path: Path, header: dict[str, object]
) -> None:
    playbook = large(tmp_path / "p.json", **header)
    question = "Where do I go with a question about warranty of kind 12?"
    shown = asyncio.run(book_of(tmp_path / "p.json").find(question, "mail"))
    handed = playbook.prompt(question, "mail")
    assert 0 < len(shown.bullets) <= header.get("max_bullets", 133)  # type: ignore[operator]
    assert [b.id for b in shown.bullets] == list(
        dict.fromkeys(part[:4] for part in handed.partition("\n\n")[0].split("[")[1:])
    )
    assert all(handed.count(f"[{bullet.id}]") == 2 for bullet in shown.near)


def test_a_limit_gives_the_nearest_and_no_domain_means_all(tmp_path: Path) -> None:
    large(tmp_path / "p.json")
    book = book_of(tmp_path / "p.json")
    shown = asyncio.run(book.find("My password does not work: passwords", limit=5))
    assert len(shown.bullets) == 5
    assert all("passwords" in bullet.content for bullet in shown.bullets)
    assert len({bullet.domain_id for bullet in shown.bullets}) > 1
    assert {b.domain_id for b in asyncio.run(book.find("?", "mail")).bullets} == {"mail", "general"}


def test_quarantined_bullets_are_handed_out_where_they_are_asked_for() -> None:
    book = book_of(PLAYBOOK, everything=True)
    assert book.bullet("B004").is_quarantined
    assert "B004" in [bullet.id for bullet in asyncio.run(book.find("How many?")).bullets]


def test_a_missing_playbook_is_told_before_anything_is_served(inside: Inside) -> None:
    done = inside("serve-mcp", "no.json")
    assert (done.code, done.out) == (2, "")
    assert "no.json" in done.err.splitlines()[0]


def test_a_missing_extra_is_named(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ace_cli.serving.mcp", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    done = inside("serve-mcp", PLAYBOOK)
    assert (done.code, done.out) == (2, "")
    assert (
        done.err
        == "error: ace serve-mcp needs the package mcp, version 2\nhint: pip install 'ace-cli[mcp]'\n"
    )


def test_code_that_a_playbook_names_is_not_run_without_the_users_word(inside: Inside) -> None:
    path = inside.cwd / "p.json"
    bullet = Bullet(id="B1", content="x")
    path.write_bytes(
        dump_playbook(
            Playbook((bullet,), training_config={"embedding_model": "evil:Embedder", "scorer": "mine:Scorer"})
        )
    )
    done = inside("serve-mcp", path)
    assert (done.code, done.out) == (2, "")
    assert "run the code of evil:Embedder" in done.err
    assert "mine:Scorer" not in done.err, "nothing is scored here"


arguments = st.dictionaries(
    st.sampled_from(["question", "domain", "limit", "id", "other"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.text(max_size=3)),
)  # fmt: skip


@fewer(4)
@given(st.sampled_from(["find_bullets", "get_bullet", "other"]), arguments)
def test_whatever_the_arguments_are_there_is_a_result_or_a_word_on_what_is_wrong(
    name: str, given_arguments: dict[str, Any]
) -> None:
    from mcp import Client, MCPError

    from ace_cli.serving.mcp import make_server

    async def call() -> None:
        async with Client(make_server(BOOK)) as client:
            try:
                result = await client.call_tool(name, given_arguments)
            except MCPError:
                assert name == "other"
                return
        said = result.content[0].text  # type: ignore[union-attr]
        assert said != f"Error executing tool {name}", "which is what a crash says"
        assert result.is_error or result.structured_content

    asyncio.run(call())


BOOK = Book(PLAYBOOK, lambda _: Settings())
