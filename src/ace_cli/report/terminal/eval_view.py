"""An evaluation for a terminal: the verdict, both arms, domains, bullets, and the examples that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from ace_cli.evaluation.records import Added, ArmSummary, BulletEffect, Changed, EvalReport, Outcome
from ace_cli.evaluation.verdict import interval, points
from ace_cli.report.format import count, duration, money, percent
from ace_cli.report.terminal.grid import grid
from ace_cli.report.terminal.style import BAD, BOLD, CAUTION, GOOD, GREEN, QUIET, RED, fact, heading
from ace_cli.report.terminal.tables import cut
from ace_cli.report.text import one_line, printable

_OUTCOMES = {Outcome.HELPS: GOOD, Outcome.HELPS_LITTLE: GOOD, Outcome.HARMS: BAD}
_FEW = 5
_BULLETS = 10


def eval_lines(
    report: EvalReport, width: int, *, whole: bool = False, ascii_only: bool = False
) -> Iterator[Text]:
    """For a terminal of ``width`` cells, into which tables are fitted (sentences are not); ``whole``: every bullet and changed example."""
    mark = "..." if ascii_only else "…"
    yield Text(report.conclusion.words, _OUTCOMES.get(report.conclusion.outcome, CAUTION))
    yield Text()
    yield from _arms(report, width, mark)
    yield from _how(report)
    yield from _domains(report, width, mark)
    yield from _bullets(report.bullets, width, mark, len(report.bullets) if whole else _BULLETS)
    most = max(len(report.better), len(report.worse)) if whole else _FEW
    yield from _changed("Better with the playbook", report.better, report, width, mark, most)
    yield from _changed("Worse with the playbook", report.worse, report, width, mark, most)


def arm_cells(name: str, arm: ArmSummary) -> tuple[str, ...]:
    """Accuracy with its interval, right ones, failed ones."""
    accuracy = arm.accuracy
    ends = f"{100 * accuracy.low:.1f} to {100 * accuracy.high:.1f}"
    return (
        printable(name),
        percent(accuracy.value),
        ends,
        f"{arm.right:,} of {arm.trials:,}",
        f"{arm.failed:,}",
    )


def _arms(report: EvalReport, width: int, mark: str) -> Iterator[Text]:
    rows = [
        ("", "accuracy", "95 % interval", "right", "failed"),
        arm_cells(report.base_name, report.base),
        arm_cells(report.playbook_name, report.playbook),
    ]
    gain = report.difference
    rows.append(("difference", points(gain.value, signed=True), interval(gain), "", ""))
    yield from grid(rows, width, mark=mark)


def _how(report: EvalReport) -> Iterator[Text]:
    yield Text()
    repeats = f", {report.repeats} answers to each in each arm" if report.repeats > 1 else ""
    clusters = f", of {count(report.clusters, 'source')}" if report.clusters is not None else ""
    facts = [("examples", f"{report.examples:,}{clusters}{repeats}")]
    if (test := report.mcnemar) is not None:
        chance = "p < 0.0001" if test.p < 0.0001 else f"p = {test.p:.2g}"
        facts.append(("changed", f"{test.better:,} better, {test.worse:,} worse (exact McNemar: {chance})"))
    else:
        facts.append(("changed", f"{len(report.better):,} better, {len(report.worse):,} worse"))
    facts.append(("an answer", added_words(report.added)))
    facts += [("note", note) for note in report.notes]
    for name, value in facts:
        yield fact(name, value)


def added_words(added: Added) -> str:
    """What an answer takes more or less with the playbook."""
    parts = [f"{added.prompt_tokens:+,.0f} prompt tokens", f"{added.completion_tokens:+,.0f} reply tokens"]
    if added.cost_usd is not None:
        parts.append(f"{'-' if added.cost_usd < 0 else '+'}{money(abs(added.cost_usd))}")
    parts.append(f"{'-' if added.seconds < 0 else '+'}{duration(abs(added.seconds))}")
    return ", ".join(parts)


def _domains(report: EvalReport, width: int, mark: str) -> Iterator[Text]:
    if len(report.domains) < 2:
        return
    yield from heading("By domain")
    rows = [("domain", "rows", "without", "with", "difference", "95 % interval")]
    rows += [
        (
            printable(row.domain),
            f"{row.examples:,}",
            percent(row.base, 0),
            percent(row.playbook, 0),
            points(row.difference.value, signed=True),
            interval(row.difference),
        )
        for row in report.domains
    ]
    yield from grid(rows, width, mark=mark)


def _bullets(bullets: Sequence[BulletEffect], width: int, mark: str, most: int) -> Iterator[Text]:
    if not bullets:
        return
    yield from heading("Bullets, by the answers that cite them (no proof)")
    rows: list[tuple[str, ...]] = [("bullet", "cited", "without", "with", "effect", "95 % interval", "doubt")]
    shown = bullets if len(bullets) <= most else [*bullets[: most // 2], *bullets[-(most - most // 2) :]]
    rows += [bullet_cells(effect) for effect in shown]
    lines = list(grid(rows, width, mark=mark))
    if len(shown) < len(bullets):
        lines.insert(1 + most // 2, Text(f"{mark} {len(bullets) - len(shown):,} more", QUIET))
    yield from lines


def bullet_cells(effect: BulletEffect) -> tuple[str, ...]:
    """Id, examples that cite it, right without and with, the effect with its interval, and how doubtful it is."""
    without, with_it = (
        "-" if share is None else percent(share, 0) for share in (effect.base, effect.playbook)
    )
    gain = points(effect.difference.value, signed=True)
    doubt = percent(effect.doubt, 0)
    return (
        printable(effect.bullet_id),
        f"{effect.cited:,}",
        without,
        with_it,
        gain,
        interval(effect.difference),
        doubt,
    )


def _changed(
    title: str, changed: Sequence[Changed], report: EvalReport, width: int, mark: str, most: int
) -> Iterator[Text]:
    if not changed:
        return
    yield from heading(f"{title} ({len(changed):,})")
    for example in changed[:most]:
        yield Text(cut(printable(example.example_id), width, mark), BOLD)
        answers = [
            ("truth", example.truth, QUIET),
            (
                report.base_name,
                example.base_answer,
                GREEN if example.base_score > example.playbook_score else RED,
            ),
            (
                report.playbook_name,
                example.playbook_answer,
                RED if example.base_score > example.playbook_score else GREEN,
            ),
        ]
        size = min(max(len(name) for name, _, _ in answers), 16)
        for name, answer, style in answers:
            line = Text(f"  {cut(printable(name), size, mark):<{size}}  ", QUIET)
            yield line.append(cut(one_line(answer) or "(no answer)", max(width - size - 4, 1), mark), style)
    if len(changed) > most:
        yield Text(f"  {mark} {len(changed) - most:,} more (--full)", QUIET)
