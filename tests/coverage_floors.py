"""Fails when floors 0-3 are covered by less than 95 % of their branches and lines; run after the suite by `make test`."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path

import coverage

LEAST = 95.0
UPPER_FLOORS = ("monitor/cli/", "monitor/app.py", "monitor/doctor.py", "monitor/demo/", "classifiers/evaluate.py")
IN_THE_CHILD = ("monitor/store/migrations/env.py",)


def main() -> int:
    data = coverage.Coverage()
    data.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        data.json_report(outfile=str(path), pretty_print=False)
        files = json.loads(path.read_text())["files"]
    covered = total = 0
    for name, report in files.items():
        if name.startswith((*UPPER_FLOORS, *IN_THE_CHILD)):
            continue
        summary = report["summary"]
        covered += summary["covered_lines"] + summary["covered_branches"]
        total += summary["num_statements"] + summary["num_branches"]
    share = 100 * covered / total if total else 0.0
    print(f"floors 0-3: {share:.1f} % of lines and branches covered (at least {LEAST:.0f} %)")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
    sys.exit(main())
