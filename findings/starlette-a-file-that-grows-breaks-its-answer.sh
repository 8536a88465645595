#!/usr/bin/env bash
# starlette 1.10.0: FileResponse breaks off when the file grows while it is answered.
#
# The length is promised by a stat before the file is read, and then all is read that is there: what was added in between is
# "Too much data for declared Content-Length", and the client is left with an answer that does not end as it should. A log
# that a program writes to is such a file: seen in one of three answers. A file that may grow is streamed, up to the size
# that it had.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check starlette==1.10.0
cat > "$T/it.py" <<'EOP'
import asyncio
import sys

from starlette.responses import FileResponse

path = sys.argv[1]
promised, sent = [], 0


async def send(message):
    global sent
    if message["type"] == "http.response.start":
        promised.append(int(dict(message["headers"])[b"content-length"]))
        with open(path, "a") as log:
            log.write("written while it is answered\n")
    else:
        sent += len(message.get("body", b""))


async def receive():
    await asyncio.Event().wait()


open(path, "w").write("line\n")
scope = {"type": "http", "method": "GET", "headers": []}
asyncio.run(FileResponse(path)(scope, receive, send))
print("promised:", promised[0], "sent:", sent)
assert sent > promised[0] == 5
EOP
"$T/venv/bin/python" "$T/it.py" "$T/log.txt"
