"""Run the conformance cases of the files that are named, else the project's own; a line for each that differs, and one for each file. Exits 1 if any failed."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import conftest


def main() -> int:
    """Parse the command line, run each file, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind in ("schema", "semantic", "scheduler"):
        parser.add_argument(f"--{kind}", type=pathlib.Path)
    arguments = parser.parse_args()
    if not any(vars(arguments).values()):
        for kind in vars(arguments):
            setattr(arguments, kind, pathlib.Path(__file__).with_name(f"{kind}_cases.jsonl"))
    conftest.arrange_tree()
    failures = 0
    for kind in ("schema", "semantic", "scheduler"):
        path = getattr(arguments, kind)
        if path is None:
            continue
        # Imported only where it is asked for, so that each kind runs without the other's dependencies.
        cases = __import__(f"conformance.{kind}_cases", fromlist=["compare"])
        passed = failed = 0
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            try:
                name, difference = cases.compare(case)
            except Exception as error:  # a traceback is a failed case, not the end of the run
                name, difference = case.get("id"), f"{type(error).__name__}: {error}"
            if difference:
                failed += 1
                print(f"{kind} {name}: {difference}")
            else:
                passed += 1
        if hasattr(cases, "summary"):
            print(cases.summary())
        print(f"{kind}: {passed} passed, {failed} failed")
        failures += failed
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
