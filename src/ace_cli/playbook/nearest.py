"""Which ids a user may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ace_cli.playbook.playbook import id_number


def nearest_ids(wanted: str, ids: Iterable[str], count: int = 3) -> list[str]:
    """At most ``count`` of ``ids``, the likeliest first: the same but for case and zeros, alike in
    spelling, then next by number. Empty only if there are no ids.
    """
    known = list(ids)
    number = id_number(wanted.upper())
    likely = [i for i in known if i.casefold() == wanted.casefold()]
    if number is not None:
        numbered = [(n, i) for i in known if (n := id_number(i)) is not None]
        likely += [i for n, i in numbered if n == number]
        likely += [i for _, i in sorted((abs(n - number), i) for n, i in numbered)[:count]]
    else:
        likely += difflib.get_close_matches(wanted, known, n=count)
    likely += known[:count]
    return list(dict.fromkeys(likely))[:count]
