#!/usr/bin/env bash
# stestr 4.2.1: names in --load-list that no test has are dropped without a word, and the run is a success.
#
# A list of two names, one of which was renamed in the meantime, runs one test and ends with 0. Repeating "the tests that
# failed" by such a list can thus pass without repeating any but those that are still there.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check stestr==4.2.1 python-subunit==1.4.6 testtools==2.9.1
PATH=$T/venv/bin:$PATH
mkdir -p "$T/p/tests"
cd "$T/p"
touch tests/__init__.py
printf '[DEFAULT]\ntest_path=./tests\n' > .stestr.conf
printf 'import unittest\n\n\nclass It(unittest.TestCase):\n    def test_it(self):\n        pass\n' > tests/test_it.py
printf 'tests.test_it.It.test_it\ntests.test_it.It.test_renamed\n' > wanted
status=0
stestr run --load-list wanted > run.txt 2>&1 || status=$?
cat run.txt
echo "exit status: $status"
[ "$status" = 0 ] && grep -q '^Ran: 1 tests' run.txt && ! grep -q test_renamed run.txt
