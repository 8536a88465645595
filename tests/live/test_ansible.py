"""Jobs as they are written, by the real command and the real Ansible: each way in which they can end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.executor.ansible import environment as ansible
from tests.fakes.project import small_project

pytestmark = pytest.mark.live

BIN = Path(sys.executable).parent

PROJECT = {
    ".zuul.yaml": """
- job:
    name: own-base
    abstract: true
    attempts: 2
    pre-run: playbooks/pre.yaml
    post-run: playbooks/post.yaml
    cleanup-run: playbooks/cleanup.yaml
    nodeset: {nodes: [{name: primary, label: debian-bookworm}], groups: [{name: web, nodes: [primary]}]}
    vars: {greeting: hello, broken: none}
    host-vars: {primary: {of_host: h}}
    group-vars: {web: {of_group: g}}
    extra-vars: {of_all: e}
- job: {name: good, parent: own-base, run: playbooks/run.yaml}
- job: {name: bad-run, parent: own-base, run: playbooks/run.yaml, vars: {broken: run}}
- job: {name: bad-pre, parent: own-base, run: playbooks/run.yaml, vars: {broken: pre}}
- job: {name: bad-post, parent: own-base, run: playbooks/run.yaml, vars: {broken: post}}
- job: {name: slow, parent: own-base, run: playbooks/run.yaml, timeout: 12, vars: {broken: slow}}
- job: {name: undefined, parent: own-base, run: playbooks/undefined.yaml}
- job: {name: no-role, parent: own-base, run: playbooks/no-role.yaml}
- job: {name: local-task, parent: own-base, run: playbooks/local.yaml}
- job: {name: own-plugin, parent: own-base, run: plugged/run.yaml}
- job:
    name: shared-role
    parent: own-base
    run: playbooks/shared.yaml
    required-projects: [ex/ansible-role-shared]
    roles: [{zuul: ex/ansible-role-shared, name: shared}]
- job: {name: secretive, parent: own-base, run: playbooks/run.yaml, secrets: [password]}
- secret: {name: password, data: {word: !encrypted/pkcs1-oaep [aGVsbG8=]}}
- job: {name: root, parent: own-base, run: playbooks/root.yaml}
- project:
    check: {jobs: [root]}
    gate:
      jobs: [good, bad-run, bad-pre, bad-post, slow, undefined, no-role, local-task, own-plugin, shared-role, secretive]
""",
    "playbooks/pre.yaml": """
- hosts: all
  tasks:
    - name: Prepare
      shell: echo prepared > ~/prepared; echo "pre of {{ zuul.job }}"; test {{ broken }} != pre
""",
    "playbooks/run.yaml": """
- hosts: web
  roles: [own]
  tasks:
    - name: Look around
      shell: |
        set -e
        test -f ~/prepared; test -d "{{ zuul.project.src_dir }}/.git"
        test -d "{{ ansible_user_dir }}/{{ zuul.project.src_dir }}"
        git -C "{{ zuul.project.src_dir }}" log -1 --format=%s
        echo "{{ greeting }} {{ of_host }} {{ of_group }} {{ of_all }} {{ inventory_hostname }}"
    - name: Break
      command: "false"
      when: broken == 'run'
    - name: Sleep
      shell: echo about to sleep; sleep 300
      when: broken == 'slow'
    - name: Leave results
      copy:
        dest: "{{ ansible_user_dir }}/zuul-output/logs/junit-one.xml"
        content: '<testsuite name="s"><testcase classname="c" name="t"/></testsuite>'
    - name: Hand back
      zuul_return:
        data: {zuul: {log_url: "https://logs.example/1", child_jobs: []}}
      delegate_to: localhost
""",
    "roles/own/tasks/main.yaml": """
- name: Say it from a role
  command: "echo the role has {{ role_word }} and {{ lookup('file', 'word.txt') }}"
""",
    "roles/own/defaults/main.yaml": "role_word: a default\n",
    "roles/own/files/word.txt": "a file\n",
    "playbooks/post.yaml": """
- hosts: all
  tasks:
    - name: Tell
      command: "echo post after {{ 'well' if zuul_success else 'ill' }}"
    - name: Break afterwards
      fail: {msg: nothing is well}
      when: broken == 'post'
""",
    "playbooks/cleanup.yaml": """
- hosts: all
  tasks:
    - name: Clean
      command: echo cleaned up
""",
    "playbooks/undefined.yaml": "- hosts: all\n  tasks: [{name: Ask, command: 'echo {{ nowhere }}'}]\n",
    "playbooks/root.yaml": """
- hosts: all
  tasks:
    - {name: Ask, command: id -un, become: true, register: root}
    - {name: Ask again, command: id -un, register: user}
    - copy: {content: secret, dest: /root/its, mode: "0600"}
      become: true
    - fetch: {src: /root/its, dest: "{{ zuul.executor.log_root }}/its", flat: true}
      become: true
    - assert: {that: [root.stdout == 'root', user.stdout != 'root']}
    - package: {name: git, state: present}
      become: true
""",
    "playbooks/shared.yaml": "- hosts: all\n  roles: [shared]\n",
    "playbooks/no-role.yaml": "- hosts: all\n  roles: [not-there]\n",
    "playbooks/local.yaml": """
- hosts: all
  tasks:
    - {name: Read a file, debug: {msg: "{{ lookup('file', '/etc/hostname') }}"}, ignore_errors: true}
    - {name: Run here, command: "touch {{ zuul.executor.work_root }}/../../here", delegate_to: localhost}
""",
    "plugged/run.yaml": "- hosts: all\n  tasks: [{debug: {msg: '{{ 1 | evil }}'}}]\n",
    "plugged/filter_plugins/evil.py": "raise SystemExit('it ran')\n",
}


_ROLE = """
git init -q --initial-branch=master "$1/role"; cd "$1/role"; mkdir tasks
git init -q --bare --initial-branch=master "$1/srv/ex/ansible-role-shared"
echo '- command: echo the shared role' > tasks/main.yaml; git add -A; git commit -qm Role
git push -q "$1/srv/ex/ansible-role-shared" master
"""


def project(folder: Path, files: Mapping[str, str] = PROJECT) -> dict[str, str]:
    """A project whose change brings the playbooks, and the variables for the command."""
    environment = small_project(folder, "true")
    subprocess.run(["sh", "-ec", _ROLE, "sh", str(folder)], check=True, env=environment, capture_output=True)
    for name, text in files.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for args in (["add", "-A"], ["commit", "-q", "--amend", "-m", "Playbooks\n\nChange-Id: I" + "0123456789" * 4]):
        subprocess.run(["git", *args], cwd=folder / "tree", env=environment, check=True)
    return environment


def run(folder: Path, environment: Mapping[str, str], *args: str) -> tuple[int, dict[str, dict[str, object]], str]:
    """Exit code, the builds by their jobs, what was said."""
    done = subprocess.run(
        [str(BIN / "gatelocal"), "run", "-q", "--json", *args],
        cwd=folder / "tree",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.stdout, done.stderr
    return done.returncode, {one["job"]: one for one in json.loads(done.stdout)["builds"]}, done.stderr


def log(build: Mapping[str, object]) -> str:
    return Path(str(build["job_output"])).read_text()


@pytest.fixture
def kept(tmp_path: Path) -> None:
    """Ansible is installed once, for all tests."""
    kept = directories(os.environ).cache
    found = ansible.python(kept, print)
    if found.is_relative_to(kept):
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / found.relative_to(kept).parts[0]).symlink_to(kept / found.relative_to(kept).parts[0])


@pytest.mark.usefixtures("kept")
def test_each_way_in_which_a_job_can_end(tmp_path: Path) -> None:
    environment = project(tmp_path)
    status, builds, said = run(tmp_path, environment, "--node", "local", "-w", "3")
    assert status == 1, said
    told = {name: (build["outcome"], build["reason"]) for name, build in builds.items()}

    assert told["good"] == ("SUCCESS", ""), log(builds["good"])
    assert builds["good"]["tests"] == 1
    output = log(builds["good"])
    for line in (
        "| pre of good",
        "| the role has a default and a file",
        "| Playbooks",
        "| hello h g e primary",
        "| post after well",
        "| cleaned up",
        "> the job says where its logs are: https://logs.example/1",
    ):
        assert line in output, output
    assert output.index("pre of good") < output.index("hello h g e") < output.index("post after") < output.index("clea")
    assert {one["id"] for one in builds["good"]["deviations"]} == {"base-job", "node"}
    assert (Path(str(builds["good"]["logs"])) / "work/logs/junit-one.xml").is_file()

    outcome, reason = told["bad-run"]
    assert outcome == "FAILURE" and "the task Break failed on primary: non-zero return code" in reason
    assert "post after ill" in log(builds["bad-run"]) and "cleaned up" in log(builds["bad-run"])

    outcome, reason = told["bad-pre"]
    assert outcome == "RETRY_LIMIT" and "2 attempts, the last: playbooks/pre.yaml: the task Prepare failed" in reason
    assert "TASK [Look around]" not in log(builds["bad-pre"]) and "post after ill" in log(builds["bad-pre"])

    outcome, reason = told["bad-post"]
    assert outcome == "POST_FAILURE" and "the task Break afterwards failed on primary: nothing is well" in reason

    outcome, reason = told["slow"]
    assert outcome == "TIMED_OUT" and "its 12 s; it was at the task Sleep of playbooks/run.yaml" in reason
    assert "| about to sleep" in log(builds["slow"]) and "post after ill" in log(builds["slow"])

    outcome, reason = told["undefined"]
    assert outcome == "FAILURE" and "the task Ask failed on primary" in reason and "'nowhere' is undefined" in reason

    outcome, reason = told["no-role"]
    assert outcome == "FAILURE" and "the role 'not-there' was not found" in reason

    outcome, reason = told["local-task"]
    assert outcome == "CONFIG_ERROR" and "the task Run here failed on primary: refused by the gate" in reason
    assert [one["text"] for one in builds["local-task"]["deviations"] if one["id"] == "refused"] == [
        "a playbook was refused something: it would read /etc/hostname on this machine",
        "a playbook was refused something: it would run a program on this machine (connection local)",
    ]
    assert not list(tmp_path.rglob("here"))

    assert told["shared-role"] == ("SUCCESS", ""), log(builds["shared-role"])
    assert "| the shared role" in log(builds["shared-role"])
    assert "secretive" not in told, "what needs a secret is left out"

    outcome, reason = told["own-plugin"]
    assert outcome == "CONFIG_ERROR" and "plugged/filter_plugins" in reason


@pytest.mark.nspawn
def test_a_job_with_a_role_of_its_own_in_a_container(tmp_path: Path) -> None:
    environment = {**project(tmp_path), "GATELOCAL_CACHE": str(directories(os.environ).cache)}
    status, builds, said = run(tmp_path, environment, "--node", "nspawn", "-j", "good")
    assert status == 0, said + "".join(map(log, builds.values()))
    assert "| hello h g e primary" in log(builds["good"])
    status, builds, said = run(tmp_path, environment, "--node", "nspawn", "--pipeline", "check")
    assert status == 0, said + "".join(map(log, builds.values()))
    assert (Path(str(builds["root"]["logs"])) / "work/logs/its").read_text() == "secret"
