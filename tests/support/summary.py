"""Adds up what ctest reported (JUnit files): failures, skips with their reasons, and the count.

A program of Catch2 counts as many as it has test cases. Called by tests/run.sh; the last line is
"N passed, N failed". Exit code 1 when something failed, or when CI=true and something was skipped
that may not be.
"""
import argparse
import os
import re
import sys
import xml.etree.ElementTree as xml


def cases(output, passed):
    """(passed, failed) test cases of one ctest test."""
    ok = re.search(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)", output)
    if passed:
        return (int(ok.group(1)) if ok else 1, 0)
    some = re.search(r"test cases: +\d+ \|(?: +(\d+) passed \|)? +(\d+) failed", output)
    return (int(some.group(1) or 0), int(some.group(2))) if some else (0, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reports", nargs="*")
    parser.add_argument("--may-skip", action="append", default=[])
    parser.add_argument("--passed", action="append", default=[])
    parser.add_argument("--failed", action="append", default=[])
    parser.add_argument("--skipped", action="append", default=[])
    arguments = parser.parse_args()
    strict = os.environ.get("CI") == "true"

    passed, failed = len(arguments.passed), len(arguments.failed)
    failures = list(arguments.failed)
    for skip in arguments.skipped:
        print(f"skipped: {skip}")
    for path in arguments.reports:
        if not os.path.exists(path):  # the shell's unmatched pattern: no preset ran
            continue
        preset = os.path.basename(path).removesuffix(".xml")
        for case in xml.parse(path).getroot().iter("testcase"):
            name, output = case.get("name"), case.findtext("system-out") or ""
            if case.get("status") == "notrun" or case.find("skipped") is not None:
                reason = (output.strip().splitlines() or ["it said nothing"])[-1]
                print(f"skipped: {preset} {name}: {reason.removeprefix('skipped: ')}")
                if strict and name not in arguments.may_skip:
                    failed += 1
                    failures.append(f"{preset} {name} (may not be skipped here)")
                continue
            good = case.get("status") == "run"
            more = cases(output, good)
            passed, failed = passed + more[0], failed + more[1]
            if not good:
                failures.append(f"{preset} {name}")
    for failure in failures:
        print(f"failed: {failure}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
