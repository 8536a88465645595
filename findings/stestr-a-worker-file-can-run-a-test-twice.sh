#!/usr/bin/env bash
# stestr 4.2.1: a test that two entries of a --worker-file match runs twice, on two workers at the same time.
#
# The file assigns patterns to workers; a pattern for a module and another for a test in it overlap. Each of the two tests
# is there once in `stestr list`; the run says "Ran: 3". A test that owns a port or a file then competes with itself.
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
cat > tests/test_it.py <<'EOF'
import unittest


class It(unittest.TestCase):
    def test_quick(self):
        pass

    def test_slow(self):
        pass
EOF
printf -- '- worker:\n  - tests.test_it\n- worker:\n  - test_slow\n' > workers.yaml
stestr init
listed=$(stestr list | grep -c '^tests\.')
stestr run --worker-file workers.yaml > run.txt 2>&1
cat run.txt
echo "listed: $listed"
[ "$listed" = 2 ] && grep -q '^Ran: 3 tests' run.txt
[ "$(grep -c 'test_it.It.test_slow .*ok$' run.txt)" = 2 ]
