#!/usr/bin/env bash
# httplib2 0.32.1 (what launchpadlib speaks through): a POST whose answer is lost is sent a second time, without a word.
#
# A server that takes the order and closes the connection before it answers gets the same order again: a comment then stands
# twice. It holds for a fresh connection, too, and `httplib2.RETRIES = 1` changes nothing about it.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check httplib2==0.32.1
cat > "$T/it.py" <<'EOP'
import http.server
import threading

import httplib2

orders = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        orders.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.close_connection = True

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
httplib2.RETRIES = 1
try:
    httplib2.Http().request(f"http://127.0.0.1:{server.server_address[1]}/", "POST", body="say it")
except Exception as error:
    print(type(error).__name__, error)
print("orders:", orders)
assert orders == [b"say it", b"say it"]
EOP
"$T/venv/bin/python" "$T/it.py"
