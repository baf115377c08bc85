"""The time, as it is written into files."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> str:
    """UTC in ISO-8601, to the second. ``SOURCE_DATE_EPOCH`` fixes it, for reproducible files."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")
