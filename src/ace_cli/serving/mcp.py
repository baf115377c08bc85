"""A playbook as an MCP server: two tools and a resource, all of them for reading.

Protocol: https://modelcontextprotocol.io, by its official SDK. Over stdio, standard output belongs to the protocol alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from ace_cli._version import __version__
from ace_cli.errors import AceError
from ace_cli.playbook import Bullet
from ace_cli.serving.book import Book, said, whole_text
from ace_cli.text import visible_line

URI = "ace://playbook"

_NAMED = 20
"""Domains that the instructions name."""

_READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class FoundBullet(BaseModel):
    """A bullet as a program reads it; ``near`` is one of the few of many that are nearest to the question."""

    id: str
    content: str
    section: str
    domain_id: str
    confidence: float
    near: bool


class Found(BaseModel):
    bullets: list[FoundBullet]
    in_use: int


Question = Annotated[str, Field(description="The task or question at hand, in its own words.")]
Domain = Annotated[
    str | None, Field(description="Bullets of this domain and the general ones; by default of all domains.")
]
Limit = Annotated[
    int | None, Field(ge=1, description="At most so many, the nearest ones; by default as in training.")
]
BulletId = Annotated[str, Field(description="For example B007.")]


def make_server(book: Book) -> MCPServer[Any]:
    """The server, which talks to nobody yet."""
    server: MCPServer[Any] = MCPServer(
        "ace", title="ace playbook", instructions=_instructions(book), version=__version__, log_level="ERROR"
    )

    @server.tool(title="Find bullets", annotations=_READS)
    async def find_bullets(
        question: Question, domain: Domain = None, limit: Limit = None
    ) -> Annotated[CallToolResult, Found]:
        """The lessons of the playbook for a question: what a model in training would be handed for it."""
        with _told(ToolError):
            shown = await book.find(question, domain, limit)
            near = {bullet.id for bullet in shown.near}
            found = Found(
                bullets=[_found(bullet, bullet.id in near) for bullet in shown.bullets],
                in_use=len(book.playbook),
            )
        text = TextContent(type="text", text=said(shown))
        return CallToolResult(content=[text], structured_content=found.model_dump())

    @server.tool(title="Get a bullet", annotations=_READS)
    async def get_bullet(id: BulletId) -> dict[str, Any]:
        """One bullet with all that is known of it: how often it was cited by right and by wrong answers, which examples taught it."""
        with _told(ToolError):
            return book.bullet(id).to_dict()

    @server.resource(URI, name="playbook", title="The whole playbook", mime_type="text/plain")
    async def playbook() -> str:
        """All bullets in use, as a model in training reads them."""
        with _told(ResourceError):
            return whole_text(book.playbook)

    return server


@contextmanager
def _told(kind: type[Exception]) -> Iterator[None]:
    """Our errors are the client's to read: what is wrong, and what helps."""
    try:
        yield
    except AceError as error:
        raise kind(f"{error.message}. {error.hint}".removesuffix(". ")) from error


def _found(bullet: Bullet, is_near: bool) -> FoundBullet:
    return FoundBullet(
        id=bullet.id,
        content=bullet.content,
        section=bullet.section.value,
        domain_id=bullet.domain_id,
        confidence=bullet.confidence,
        near=is_near,
    )


def _instructions(book: Book) -> str:
    domains = book.domains
    more = f" and {len(domains) - _NAMED} more" if len(domains) > _NAMED else ""
    named = (
        f" It has these domains: {', '.join(map(visible_line, domains[:_NAMED]))}{more}." if domains else ""
    )
    return (
        "A playbook: short lessons, learned from examples with known answers. Before you work on a task that it is about, call"
        f" find_bullets with the task and apply the lessons that fit; ignore the others.{named}"
    )
