"""Prints how many tests passed and failed in all, from the JUnit reports in a directory; exits 1 when one failed."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
for report in sorted(Path(sys.argv[1]).glob("*.xml")):
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it a moment ago
        for count in total:
            total[count] += int(suite.get(count, 0))
bad = total["failures"] + total["errors"]
skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
print(f"{total['tests'] - bad - total['skipped']} passed, {bad} failed{skipped}")
sys.exit(1 if bad else 0)
