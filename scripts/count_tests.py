#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts test cases in meson's testlog.json.

Usage: count_tests.py STATUS testlog.json

Prints "PASSED FAILED SKIPPED" and, on stderr, every failed case with what the program said, and
every skipped program with its reason. A program that speaks TAP counts by its lines; one that
does not is a single case. A program that dies, times out, or runs fewer cases than it announced
is a failure of its own, whatever it printed. STATUS is meson's exit status, for the case that
it failed without running anything.
"""

import json
import re
import sys

LINE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*([^#]*)(#\s*(\w+)\b\s*(.*))?")
PLAN = re.compile(r"^1\.\.(\d+)(\s*#\s*skip\w*:?\s*(.*))?", re.IGNORECASE)


def tap_cases(text):
    """(cases, plan, reason): cases as (ok, skipped, title); reason of a program skipped whole."""
    cases, plan, reason = [], None, None
    for line in text.splitlines():
        if m := LINE.match(line):
            directive = (m[4] or "").upper()
            cases.append((not m[1] or directive == "TODO", directive.startswith("SKIP"), line))
        elif m := PLAN.match(line):
            plan = int(m[1])
            if plan == 0:
                reason = m[3] or "nothing to run"
    return cases, plan, reason


def count(test, say):
    out = test.get("stdout") or ""
    cases, plan, reason = tap_cases(out)
    result = test["result"]
    if reason is not None and not cases:
        say(f"skipped: {test['name']}: {reason}")
        return 0, 0, 1
    if plan is None and not cases:
        skipped = result == "SKIP"
        good = result in ("OK", "EXPECTEDFAIL")
        totals = [int(good), int(not good and not skipped), int(skipped)]
    else:
        totals = [sum(ok and not skip for ok, skip, _ in cases), sum(not ok for ok, _, _ in cases),
                  sum(ok and skip for ok, skip, _ in cases)]
        broken = result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT") and totals[1] == 0
        if broken or (plan is not None and plan != len(cases)):
            totals[1] += 1
    if totals[1]:
        say(f"FAILED {test['name']} ({result}, exit status {test.get('returncode')})")
        for line in [c[2] for c in cases if not c[0]]:
            say("  " + line)
        comments = [c for c in out.splitlines() if not LINE.match(c)]
        for line in comments[:80] + (test.get("stderr") or "").splitlines()[-80:]:
            say("  | " + line)
    return totals


def main():
    status, path = int(sys.argv[1]), sys.argv[2]
    totals = [0, 0, 0]
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except FileNotFoundError:
        tests = []
    for test in tests:
        totals = [a + b for a, b in zip(totals, count(test, lambda s: print(s, file=sys.stderr)))]
    if not tests or (status != 0 and totals[1] == 0):
        print(f"meson test failed: exit status {status}, {len(tests)} programs ran", file=sys.stderr)
        totals[1] += 1
    print(*totals)


if __name__ == "__main__":
    main()
