#!/usr/bin/env bash
# pytest 9.2.0: with subtests, a JUnit file says tests="6" and lists two test cases; the failing test is "passed" in the
# last line.
#
# One test with three failing subTests and one with a passing one: `tests="6" failures="3"` stand beside two <testcase>
# elements, one of which holds three <failure> elements; the terminal says "3 failed, 2 passed". Counts that are taken from
# the attributes, from the elements and from the last line are three different numbers.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check pytest==9.2.0
cd "$T"
cat > test_it.py <<'EOF'
import unittest


class It(unittest.TestCase):
    def test_bad(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(number, 5)

    def test_good(self):
        with self.subTest(number=1):
            pass
EOF
status=0
"$T/venv/bin/pytest" -q --junitxml=out.xml test_it.py > run.txt 2>&1 || status=$?
tail -n 1 run.txt
"$T/venv/bin/python" - "$status" <<'EOF'
import sys
import xml.etree.ElementTree as Tree

suite = Tree.parse("out.xml").getroot().find("testsuite")
cases = suite.findall("testcase")
print(dict(suite.attrib), [(one.get("name"), len(one)) for one in cases])
assert sys.argv[1] == "1"
assert (suite.get("tests"), suite.get("failures"), len(cases)) == ("6", "3", 2)
assert sorted(len(one.findall("failure")) for one in cases) == [0, 3]
EOF
grep -q '3 failed, 2 passed' run.txt
