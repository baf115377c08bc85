"""What Markdown, SKILL.md and AGENTS.md make of hostile bullets: list items, judged by a real Markdown parser."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook, Section
from ace_cli.playbook.formats.markdown import (
    dump_agents_section,
    dump_markdown,
    dump_skill,
    escape,
    skill_name,
)
from support.fuzzing import usually

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PIECES = st.sampled_from(
    ["# ", "- ", "+ ", "* ", "1. ", "1) ", "> ", "```", "~~~", "---", "===", "    ", "\t", "\n", "\n\n", "<b>", "</b>", "<!--",
     "-->", "<script>", "[a](b)", "![a](b)", "[a]: b", "<http://x.y>", "&amp;", "&#35;", "\\", "`", "*", "_", "~~", "|", "|-|",
     "a", "word", " ", ":", "\r", "\x0b", "\u2028", "<?", "<![CDATA[", "$", "10", ".", ")"]
)  # fmt: skip
HOSTILE = (st.lists(PIECES, min_size=1, max_size=8).map("".join) | st.text(max_size=30)).filter(str.strip)


@given(HOSTILE, HOSTILE)
@example("x\n---", "a")
@example("-", "-")
@settings(deadline=None, max_examples=usually(400))
def test_a_bullet_is_one_list_item_whatever_it_holds(content: str, domain: str) -> None:
    playbook = Playbook(
        bullets=(
            Bullet("B1", content, domain),
            Bullet("B2", "plain", domain, Section.HARMFUL),
            Bullet(content, "plain"),
        )
    )
    for dump, items in ((dump_markdown, 3), (dump_agents_section, 3)):
        text = dump(playbook).decode()
        blocks = [token.type for token in PARSER.parse(text)]
        inline = [child.type for token in PARSER.parse(text) for child in token.children or ()]
        comments = 2 if dump is dump_agents_section else 0
        assert blocks.count("list_item_open") == items, text
        assert blocks.count("html_block") == comments, text
        allowed = {"heading", "paragraph", "bullet_list", "list_item"}
        assert {kind.rsplit("_", 1)[0] for kind in blocks} - {"inline", "html"} <= allowed, text
        assert set(inline) <= {
            "text",
            "softbreak",
            "hardbreak",
            "text_special",
            "strong_open",
            "strong_close",
            "em_open",
            "em_close",
        }
        assert inline.count("em_open") == (3 if dump is dump_markdown else 0), text


@given(
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=60).map(
        lambda text: " ".join(text.split())
    )
)
@settings(deadline=None, max_examples=usually(300))
def test_escaped_text_is_shown_as_it_was(text: str) -> None:
    shown = "".join(
        child.content for token in PARSER.parse("- x " + escape(text)) for child in token.children or ()
    )
    assert shown == f"x {text}".rstrip()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My Playbook_v2", "my-playbook-v2"),
        ("--x--", "x"),
        ("日本", "playbook"),
        ("a" * 63 + " bc", "a" * 63),
        ("", "playbook"),
    ],
)
def test_skill_names_follow_the_rule(text: str, name: str) -> None:
    assert skill_name(text) == name


@given(st.text(max_size=70), st.text(max_size=1100), st.text(max_size=20).filter(str.strip))
@settings(deadline=None, max_examples=usually(150))
def test_front_matter_is_valid_yaml_whatever_is_asked_for(name: str, description: str, domain: str) -> None:
    yaml = pytest.importorskip("yaml")
    book = Playbook(bullets=(Bullet("B1", "---\nname: evil\n---", domain),))
    try:
        text = dump_skill(book, name, description).decode()
    except UsageError:
        assert len(description) > 1024
        return
    _, front, body = text.split("---\n", 2)
    fields = yaml.safe_load(front)
    assert set(fields) == {"name", "description"}
    assert isinstance(fields["name"], str)
    assert 1 <= len(fields["name"]) <= 64
    assert isinstance(fields["description"], str)
    assert 1 <= len(fields["description"]) <= 1024
    assert "\n---" not in body


@pytest.mark.parametrize("word", ["true", "null", "no", "123", "1e5", "y"])
def test_a_skill_named_like_a_yaml_word_keeps_its_name(word: str) -> None:
    yaml = pytest.importorskip("yaml")
    text = dump_skill(Playbook(), word).decode()
    assert yaml.safe_load(text.split("---\n")[1])["name"] == word
