#!/usr/bin/env bash
# ansible-core 2.19.14: exit status 0 although the inventory or a file of variables that was named is not there.
#
# * `-i nowhere.ini`: warnings, "no hosts matched", exit status 0: not one task ran.
# * `vars_files: [nowhere.yml]` in a play: not even a warning; the tasks run without those variables, exit status 0.
# Whoever takes the exit status for a verdict has to look at the recap, too, and to check the files beforehand.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check ansible-core==2.19.14
PATH=$T/venv/bin:$PATH
cd "$T"
export HOME=$T ANSIBLE_NOCOLOR=1 LC_ALL=C.UTF-8
cat > play.yml <<'EOF'
- hosts: all
  gather_facts: false
  tasks:
    - debug: {msg: ran}
EOF
cat > vars.yml <<'EOF'
- hosts: all
  gather_facts: false
  vars_files: [nowhere.yml]
  tasks:
    - debug: {msg: ran}
EOF
ansible-playbook -i nowhere.ini play.yml > inventory.txt 2>&1
cat inventory.txt
grep -q 'no hosts matched' inventory.txt && ! grep -q '"msg": "ran"' inventory.txt
ansible-playbook -i localhost, -c local vars.yml > vars.txt 2>&1
cat vars.txt
grep -q '"msg": "ran"' vars.txt && ! grep -q nowhere vars.txt
