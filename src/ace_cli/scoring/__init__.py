"""Does this answer match the truth? The Scorer Protocol, and the scorers that come with it."""

from ace_cli.scoring.base import Scorer, Verdict
from ace_cli.scoring.scorers import SCORERS, get_scorer, scorer_for

__all__ = ["SCORERS", "Scorer", "Verdict", "get_scorer", "scorer_for"]
