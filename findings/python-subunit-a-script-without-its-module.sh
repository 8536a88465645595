#!/usr/bin/env bash
# python-subunit 1.4.6: the installed script subunit2junitxml cannot start; the module it needs is in no requirement.
#
# It imports `junitxml`, which neither the package nor one of its extras (docs, test) asks for: exit status 1 with an
# ImportError on the first use, after an installation without any complaint.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check python-subunit==1.4.6 testtools==2.9.1
"$T/venv/bin/pip" check
"$T/venv/bin/python" - <<'EOF'
from importlib.metadata import requires

wanted = requires("python-subunit") or []
print(wanted)
assert not any("junitxml" in one for one in wanted)
EOF
status=0
"$T/venv/bin/subunit2junitxml" < /dev/null > "$T/out.txt" 2>&1 || status=$?
cat "$T/out.txt"
echo "exit status: $status"
[ "$status" = 1 ] && grep -q "No module named 'junitxml'" "$T/out.txt"
