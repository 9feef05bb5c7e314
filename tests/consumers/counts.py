"""junitparser reads the JUnit report and finds the cases of the record: counts.py RECORD junit REPORT."""

import json
import sys

from junitparser import Error, Failure, JUnitXml, Skipped

record, _, report = sys.argv[1:]
with open(record, encoding="utf-8") as file:
    record = json.load(file)
counts = record["footer"]["counts"]
want = {
    "failed": counts["failed"] + counts["unexpected-pass"] + counts["flaky"],
    "errored": counts["errored"] + counts["blocked"],
    "skipped": counts["skipped"] + counts["not-run"] + counts["known-failure"],
    "passed": counts["passed"] + counts["observed"],
}
found = dict.fromkeys(want, 0)
ids = []
told = dict.fromkeys(["tests", "failures", "errors", "skipped"], 0)
for suite in JUnitXml.fromfile(report):
    for name in told:
        told[name] += getattr(suite, name)
    for case in suite:
        ids.append(case.name)
        kinds = {Failure: "failed", Error: "errored", Skipped: "skipped"}
        [kind] = {kinds[type(result)] for result in case.result} or {"passed"}
        found[kind] += 1
wrong = []
if found != want:
    wrong.append(f"the record has {want}, the report {found}")
if sorted(ids) != sorted(case["id"] for case in record["cases"]):
    wrong.append(f"other cases: {ids}")
if told != {"tests": len(ids), "failures": found["failed"], "errors": found["errored"], "skipped": found["skipped"]}:
    wrong.append(f"the suites say {told} and hold {found}")
sys.exit("\n".join(wrong) or 0)
