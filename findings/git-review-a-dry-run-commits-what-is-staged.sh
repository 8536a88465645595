#!/usr/bin/env bash
# git-review 2.5.0: `git review -n` ("don't actually submit") can rewrite HEAD, and takes in whatever is staged.
#
# When the commit-msg hook is not there yet, the dry run installs it and amends the last commit to get a Change-Id. The
# amendment is a plain `git commit --amend`: a file that was only staged becomes part of the commit. Exit status 0.
set -euo pipefail
T=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check git-review==2.5.0 requests==2.34.2
export HOME=$T GIT_CONFIG_NOSYSTEM=1 XDG_CONFIG_HOME=$T/config
unset GIT_DIR GIT_WORK_TREE GIT_CONFIG_GLOBAL
git config --global user.name Somebody
git config --global user.email somebody@example.org
mkdir -p "$T/srv/tools/hooks"
cat > "$T/srv/tools/hooks/commit-msg" <<'EOF'
#!/bin/sh
grep -q ^Change-Id: "$1" || printf '\nChange-Id: I%040d\n' 7 >> "$1"
EOF
git init -q --bare "$T/srv/demo.git"
git init -q -b master "$T/w"
cd "$T/w"
printf '[gerrit]\nhost=127.0.0.1\nproject=demo.git\n' > .gitreview
git add -A
git commit -q -m base
git push -q "$T/srv/demo.git" master
git -C "$T/srv/demo.git" update-server-info
python3 -u -c '
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()' "$T/srv" > "$T/port" 2> /dev/null &
server=$!
until [ -s "$T/port" ]; do sleep 0.1; done
git remote add gerrit "http://127.0.0.1:$(cat "$T/port")/demo.git"
git fetch -q gerrit
echo change > file
git add file
git commit -q -m 'A change'
echo 'not for this change' > staged
git add staged
before=$(git rev-parse HEAD)
"$T/venv/bin/git-review" -n -R
git show --stat --format='%h %s' HEAD
[ "$(git rev-parse HEAD)" != "$before" ] && [ -n "$(git ls-tree HEAD staged)" ] && [ -z "$(git status --short)" ]
