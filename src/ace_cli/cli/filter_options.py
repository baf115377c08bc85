"""The flags of :class:`~ace_cli.playbook.filters.BulletFilter`, one definition for every command that has them."""

from __future__ import annotations

from typing import Annotated

import typer

from ace_cli.playbook import PlaybookStage, Section
from ace_cli.playbook.filters import SORT_KEYS

PANEL = "Which bullets"

Domain = Annotated[str | None, typer.Option(help="Bullets of this domain.", rich_help_panel=PANEL)]
SectionIs = Annotated[Section | None, typer.Option(help="Bullets of this section.", rich_help_panel=PANEL)]
StageIs = Annotated[PlaybookStage | None, typer.Option(help="Bullets of this stage.", rich_help_panel=PANEL)]
MinConfidence = Annotated[
    float, typer.Option(help="At least this confidence, 0 to 1.", rich_help_panel=PANEL)
]
MinActivations = Annotated[
    int, typer.Option(help="Cited or learned at least this often.", rich_help_panel=PANEL)
]
Search = Annotated[
    str, typer.Option(metavar="TEXT", help="All these words, whatever their case.", rich_help_panel=PANEL)
]
Sort = Annotated[
    str,
    typer.Option(
        metavar="KEY", help=f"{', '.join(SORT_KEYS)}; numbers largest first.", rich_help_panel=PANEL
    ),
]
Reverse = Annotated[bool, typer.Option("--reverse", help="The other way round.", rich_help_panel=PANEL)]
Limit = Annotated[int | None, typer.Option(help="At most this many, after sorting.", rich_help_panel=PANEL)]
IncludeQuarantined = Annotated[
    bool, typer.Option("--include-quarantined", help="Quarantined bullets too.", rich_help_panel=PANEL)
]
Top = Annotated[
    int | None, typer.Option(help="The best N, by confidence, then activations.", rich_help_panel=PANEL)
]
