#!/usr/bin/env bash
# lazr.restfulclient 4.1.0 (what launchpadlib speaks through): a PATCH that is answered with 200 and the new representation
# succeeds, and the object keeps its old values.
#
# Only status 209, which no standard lists, makes the client take the new values. After 200 `lp_save()` returns without an
# error, `title` is what it was before, and the object counts as clean: nothing says that the copy is stale.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check lazr.restfulclient==4.1.0 wadllib==2.1.0 setuptools==80.9.0
cat > "$T/it.py" <<'EOF'
import http.server
import json
import threading

from lazr.restfulclient.authorize import HttpAuthorizer
from lazr.restfulclient.resource import ServiceRoot

WADL = """<?xml version="1.0"?>
<application xmlns="http://research.sun.com/wadl/2006/10"><resources base="{0}"><resource path="" type="#root"/></resources>
<resource_type id="root"><method name="GET" id="root-get"><response><representation href="#root-json"/></response></method>
</resource_type>
<representation id="root-json" mediaType="application/json">
<param style="plain" name="bug_link" path="$['bug_link']"><link resource_type="{0}#bug"/></param></representation>
<resource_type id="bug"><method name="GET" id="bug-get"><response><representation href="{0}#bug-full"/></response></method>
<method name="PATCH" id="bug-patch"><request><representation href="#bug-diff"/></request></method></resource_type>
<representation id="bug-full" mediaType="application/json">
<param style="plain" name="self_link" path="$['self_link']"><link resource_type="{0}#bug"/></param>
<param style="plain" name="title" path="$['title']"/></representation>
<representation id="bug-diff" mediaType="application/json"><param style="plain" name="title" path="$['title']"/>
</representation></application>"""


class Service(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def base(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def answer(self, status, text, kind="application/json"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(body)

    def bug(self):
        base = self.base()
        told = {"self_link": f"{base}bug", "resource_type_link": f"{base}#bug", "http_etag": '"1"'}
        return json.dumps({**told, "title": self.server.title})

    def do_GET(self):
        base = self.base()
        if "wadl" in self.headers.get("Accept", ""):
            self.answer(200, WADL.format(base), "application/vnd.sun.wadl+xml")
        elif self.path == "/bug":
            self.answer(200, self.bug())
        else:
            self.answer(200, json.dumps({"resource_type_link": f"{base}#root", "bug_link": f"{base}bug"}))

    def do_PATCH(self):
        self.server.title = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"]
        self.answer(self.server.status, self.bug())


seen = {}
for status in (200, 209):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.status, server.title = status, "old"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = ServiceRoot(HttpAuthorizer(), f"http://127.0.0.1:{server.server_address[1]}/", cache=None)
    bug = root.bug
    assert bug.title == "old"
    bug.title = "new"
    bug.lp_save()
    assert server.title == "new"
    seen[status] = bug.title
    server.shutdown()
print("after lp_save, by the status of the answer:", seen)
assert seen == {200: "old", 209: "new"}
EOF
"$T/venv/bin/python" "$T/it.py"
