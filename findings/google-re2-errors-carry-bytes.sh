#!/usr/bin/env bash
# google-re2 1.1.20251105: the message of re2.error is bytes, so that str(error) is the text of a bytes literal.
#
# `re2` stands in for Python's `re`, whose error is a str with `msg` and `pos`. Here `args[0]` is b'missing ): (', the
# words "b'missing ): ('" reach a person who prints the error, and joining it to a str raises TypeError.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check google-re2==1.1.20251105
"$T/venv/bin/python" - <<'EOF'
import re

import re2

options = re2.Options()
options.log_errors = False
try:
    re2.compile("(", options=options)
except re2.error as error:
    print(repr(error.args), "|", str(error), "|", hasattr(error, "msg"))
    assert error.args == (b"missing ): (",)
    assert str(error) == "b'missing ): ('"
    assert not hasattr(error, "msg")
else:
    raise SystemExit("no error")
try:
    re.compile("(")
except re.error as error:
    assert isinstance(error.args[0], str) and error.msg
EOF
