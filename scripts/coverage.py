#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Print the lines and branches that gcovr counted, and hold the gaps against a list.

A gap is a line that was not run, or a line with a branch that was not taken.  It is named
by its file and its text, which stay true when lines move:

	core/input.c: default: | the states above are all that there are
"""

import json
import sys


def read_gaps(name):
    gaps = {}
    with open(name, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            key, bar, reason = line.rpartition(" | ")
            if not bar or not reason.strip():
                sys.exit(f"{name}: a gap without its reason: {line}")
            gaps[key.strip()] = reason.strip()
    return gaps


def percent(done, total):
    return 100.0 * done / total if total else 100.0


def main():
    report, gaps_name = sys.argv[1:3]
    named = read_gaps(gaps_name)
    found = {}
    total = [0, 0, 0, 0]
    with open(report, encoding="utf-8") as file:
        files = json.load(file)["files"]
    print(f"{'':20}{'lines':>16}{'branches':>20}")
    for entry in sorted(files, key=lambda entry: entry["file"]):
        name = entry["file"]
        with open(name, encoding="utf-8") as file:
            text = file.read().split("\n")
        counts = [0, 0, 0, 0]
        for line in entry["lines"]:
            if line.get("gcovr/noncode"):
                continue
            taken = [branch["count"] > 0 for branch in line["branches"]]
            counts[0] += line["count"] > 0
            counts[1] += 1
            counts[2] += sum(taken)
            counts[3] += len(taken)
            if line["count"] == 0 or not all(taken):
                number = line["line_number"]
                key = f"{name}: {text[number - 1].strip()}"
                found.setdefault(key, (number, len(taken) - sum(taken)))
        total = [a + b for a, b in zip(total, counts)]
        show(name, counts)
    show("core/", total)

    status = 0
    for key, (number, branches) in found.items():
        if key not in named:
            what = f"{branches} branches not taken" if branches else "not run"
            print(f"not ok - coverage: line {number}, {what}: {key}")
            status = 1
    for key in named:
        if key not in found:
            print(f"not ok - coverage: named as a gap, and reached: {key}")
            status = 1
    if not status:
        print("ok - coverage: every line and branch of core/, but for "
              f"{len(named)} named gaps")
    sys.exit(status)


def show(name, counts):
    lines, all_lines, branches, all_branches = counts
    print(f"{name:20}{lines:>5} of {all_lines:>5} {percent(lines, all_lines):5.1f} %"
          f"{branches:>6} of {all_branches:>5} {percent(branches, all_branches):5.1f} %")


main()
