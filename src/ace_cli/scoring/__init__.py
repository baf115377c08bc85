"""Judges: does this answer match the truth? Pure functions, and one judge used everywhere."""

from ace_cli.scoring.numeric import is_number
from ace_cli.scoring.scorers import JUDGES, get_scorer, grade, judge_for
from ace_cli.scoring.verdict import Scorer, Verdict
from ace_cli.truth import gsm8k_truth

__all__ = ["JUDGES", "Scorer", "Verdict", "get_scorer", "grade", "gsm8k_truth", "is_number", "judge_for"]
