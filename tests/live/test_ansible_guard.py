"""What playbooks may do on the node and may not do on this machine, by the real Ansible on a folder."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError
from gatelocal.executor.ansible.checkouts import Checkouts
from gatelocal.executor.ansible.executor import AnsibleExecutor, Setting
from gatelocal.launcher.nodeset import Gathered
from gatelocal.model.job import NODE, Job
from gatelocal.model.plan import Nodeset, NodeWanted, Playbook
from gatelocal.model.playbooks import Item, Playbooks
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.stopping import Stop, Stopped, stoppable
from tests.fakes.node import FolderNode

pytestmark = pytest.mark.live


@dataclass
class World:
    """A job of one repository on a folder."""

    folder: Path
    files: Mapping[str, str]
    job: Job = field(default_factory=lambda: Job("own", family="ansible", playbooks=Playbooks(run=(book("run.yaml"),))))
    called: str = NODE
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("node", "root/src", "tree"):
            (self.folder / name).mkdir(parents=True)
        for name, text in self.files.items():
            path = self.folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        variables = {"HOME": str(self.folder / "node"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        self.node = FolderNode(self.folder / "node", variables)

    def run(self) -> BuildResult:
        setting = Setting(
            Item("h", "gate", "master"),
            1,
            directories(os.environ).cache,
            self.folder / "root",
            self.folder / "root/playing",
            Checkouts({("h/own", "master"): self.folder / "tree"}, {"h/own": self.folder / "tree"}),
            {},
            {},
            Gathered(Nodeset("", (NodeWanted((self.called,), ""),)), (self.node,)),
            lambda returned: None,
        )
        return AnsibleExecutor(self.said.append, setting).run(self.job, "own", self.node, {}, self.folder / "logs")


def book(path: str) -> Playbook:
    return Playbook("h/own", path, branch="master")


def tasks(*each: str) -> dict[str, str]:
    """A playbook of tasks whose failures count for nothing."""
    words = "".join(f"    - {one}\n      ignore_errors: true\n" for one in each)
    return {"run.yaml": f"- hosts: all\n  gather_facts: false\n  tasks:\n{words}"}


def refused(result: BuildResult) -> list[str]:
    marker = "a playbook was refused something: "
    return [one.text.removeprefix(marker) for one in result.deviations if one.id == "refused"]


LOOKS = {
    "{{ lookup('file', '/etc/hostname') }}": "it would read /etc/hostname on this machine",
    "{{ lookup('unvault', '/etc/group') }}": "it would read /etc/group on this machine",
    "{{ lookup('fileglob', '/etc/*') }}": "it would read /etc on this machine",
    "{{ lookup('file', playbook_dir ~ '/away') }}": "it would read /etc/shells on this machine",
    "{{ lookup('pipe', 'id') }}": "it would start a program on this machine",
    "{{ lookup('lines', 'id') }}": "it would start a program on this machine",
    "{{ lookup('url', 'http://127.0.0.1:1/') }}": "it would reach out of Ansible's process (urllib.Request)",
    "{{ lookup('password', '/var/tmp/gatelocal-new') }}": "it would change /var/tmp/",
    "{{ lipsum.__globals__.os.popen('id').read() }}": "a template asks for the attribute __globals__ of a function",
    "{{ ''.__class__.__mro__ }}": "a template asks for the attribute __class__ of a str",
    "{{ '{0.__class__}'.format(1) }}": "a template asks for the attribute __class__ of a int",
}


def test_lookups_and_templates_see_nothing_of_this_machine(tmp_path: Path) -> None:
    world = World(tmp_path, tasks(*(f'debug: {{msg: "{one}"}}' for one in LOOKS)))
    (tmp_path / "tree/away").symlink_to("/etc/shells")
    result = world.run()
    for one in LOOKS.values():
        assert any(why.startswith(one) for why in refused(result)), "\n".join([one, *world.said])
    assert result.outcome is Outcome.SUCCESS, "they were told to be ignored, and that is told as well"
    assert not Path("/var/tmp/gatelocal-new").exists()


ACTS = {
    "copy: {src: /etc/passwd, dest: ~/x}": "it would read /etc/passwd on this machine",
    "template: {src: /etc/group, dest: ~/x}": "it would read /etc/group on this machine",
    "script: /etc/shells": "it would read /etc/shells on this machine",
    "include_vars: /etc/fstab": "it would read /etc/fstab on this machine",
    "fetch: {src: ~/there, dest: /var/tmp/gatelocal-x, flat: true}": "it would change /var/tmp/gatelocal-x",
    "fetch: {src: ~/there, dest: '{{ playbook_dir }}/x', flat: true}": "it would change {tree}/x on this machine",
    "command: id\n      delegate_to: localhost": "it would run a program on this machine (connection local)",
    "raw: id\n      delegate_to: 127.0.0.1": "it would run a program on this machine (connection local)",
    "copy: {content: x, dest: /x}\n      delegate_to: localhost": "it would change /",
    "file: {path: /var/tmp/gatelocal-y, state: touch}\n      delegate_to: localhost": "it would change /var/tmp/",
    "file: {path: /var/tmp/gatelocal-d, state: directory}\n      delegate_to: localhost": "it would change /var/tmp",
    "file: {src: /etc/issue, dest: '{{ zuul.executor.work_root }}/l', state: link}\n      delegate_to: localhost": (
        "it would change /etc/issue on this machine"
    ),
    "slurp: {src: /etc/shells}\n      delegate_to: localhost": "it would read /etc/shells on this machine",
    "find: {paths: /opt}\n      delegate_to: localhost": "it would read /opt on this machine",
    "stat: {path: /etc/hosts}\n      delegate_to: localhost": "it would read /etc/hosts on this machine",
    "lineinfile: {path: /etc/hostname, line: x}\n      delegate_to: localhost": "it would read /etc/hostname on this",
    "copy: {content: x, dest: '{{ zuul.executor.work_root }}/v', validate: 'id %s'}\n      delegate_to: localhost": (
        "it would start a program on this machine"
    ),
    "unarchive: {src: /a, dest: /b, remote_src: true}\n      delegate_to: localhost": "it would run a program on this",
    "synchronize: {src: /etc/, dest: ~/etc}": "it would read /etc on this machine",
    "synchronize: {src: there, dest: /var/tmp/gatelocal-z, mode: pull}": "it would change /var/tmp/gatelocal-z",
    "synchronize: {src: there, dest: /}\n      delegate_to: localhost": "",
    "command: id\n      delegate_to: r.example": "it would run a program on r.example, which is no node of the job",
    "local_action: command id": "it would run a program on this machine (connection local)",
    "add_host: {name: other, ansible_connection: local}": "",
    "command: id\n      delegate_to: other": "it would run a program on this machine (connection local)",
    "command: id\n      vars: {ansible_connection: docker}": "it would run a program on primary, which is no node of",
}


def test_tasks_touch_nothing_of_this_machine(tmp_path: Path) -> None:
    world = World(tmp_path, tasks("copy: {content: x, dest: ~/there}", *ACTS))
    world.called = "primary"
    result = world.run()
    for one in ACTS.values():
        wanted = one.replace("{tree}", str(tmp_path / "tree"))
        assert any(why.startswith(wanted) for why in refused(result)), "\n".join([wanted, *world.said])
    assert not list(Path("/var/tmp").glob("gatelocal-*")) and not (tmp_path / "tree/x").exists()


@pytest.mark.parametrize(
    ("files", "outcome", "why"),
    [
        (
            {"run.yaml": "- hosts: localhost\n  tasks: [{command: id}]\n"},
            Outcome.CONFIG_ERROR,
            "failed on localhost: refused by the gate: it would run a program on this machine",
        ),
        (
            {"run.yaml": "- hosts: all\n  strategy: debug\n  tasks: [{ping: }]\n"},
            Outcome.CONFIG_ERROR,
            "the strategy debug",
        ),
        ({"run.yaml": "- hosts: all\n  vars_files: [/etc/fstab]\n"}, Outcome.CONFIG_ERROR, "it would read /etc/fstab"),
        ({"run.yaml": "- import_playbook: /etc/fstab\n"}, Outcome.CONFIG_ERROR, "it would read /etc/fstab"),
        (
            {"run.yaml": "- hosts: all\n  tasks: [{no_such_module: }]\n"},
            Outcome.FAILURE,
            "couldn't resolve module/action",
        ),
        ({"run.yaml": "- hosts: all\n  tasks: [{synchronize: {}}]\n"}, Outcome.FAILURE, "src and dest are required"),
        (
            {"run.yaml": "- hosts: all\n  tasks: [{synchronize: {src: a, dest: b, rsync_opts: [--rsh=x]}}]\n"},
            Outcome.FAILURE,
            "the option --rsh=x is not known here",
        ),
        ({"run.yaml": "{ this is no playbook"}, Outcome.FAILURE, "run.yaml: "),
        (
            {
                "run.yaml": "- hosts: all\n  roles: [a/b]\n",
                "roles/a/b/filter_plugins/x.py": "",
                "roles/a/b/tasks/main.yaml": "",
            },
            Outcome.SUCCESS,
            "",
        ),
        (
            {
                "run.yaml": "- hosts: all\n  roles: [{role: a/b}]\n",
                "roles/a/b/tasks/main.yaml": "- debug: {msg: '{{ 1 | evil }}'}",
                "roles/a/b/filter_plugins/x.py": "import os\nos.abort()\n",
            },
            Outcome.CONFIG_ERROR,
            "it would run",
        ),
    ],
)
def test_what_makes_a_job_end_at_once(tmp_path: Path, files: Mapping[str, str], outcome: Outcome, why: str) -> None:
    world = World(tmp_path, files)
    result = world.run()
    assert (result.outcome, why in result.reason) == (outcome, True), "\n".join([*world.said, result.reason])


def test_what_roles_and_modules_of_ones_own_may_do(tmp_path: Path) -> None:
    module = "from ansible.module_utils.basic import AnsibleModule\nfrom ansible.module_utils.word import WORD\n"
    module += "AnsibleModule({}).exit_json(msg=WORD)\n"
    play = """
- hosts: all
  vars_files: [vars.yaml]
  tasks:
    - own_module:
      register: told
    - assert: {that: [told.msg == 'a word', of_file == 1, nothing is not defined, zuul.change is not defined]}
    - include_role: {name: own}
    - copy: {src: file.txt, dest: ~/copied}
    - template: {src: t.j2, dest: ~/templated}
    - fetch: {src: ~/templated, dest: "{{ zuul.executor.log_root }}/", flat: true}
    - shell: cat ~/copied; seq 30000; exit 0
      register: long
      no_log: true
    - assert: {that: [long.stdout_lines | length == 30000]}
    - shell: printf 'a\\377b\\n'
      register: garbage
    - shell: head -c 20000000 /dev/zero | tr '\\0' y
      register: endless
      no_log: true
    - assert: {that: ["garbage.rc == 0", "endless.stdout is match('y')", "'more bytes)' in endless.stdout"]}
    - {command: cat, args: {stdin: given}, register: told_back}
    - {command: "echo $HOME", register: expanded}
    - {command: "true", args: {creates: ~/copied}, register: skipped}
    - {command: "gatelocal-no-such-program", register: missing, ignore_errors: true}
    - {shell: "exit 7", register: seven, failed_when: false}
    - assert:
        that:
          - told_back.stdout == 'given'
          - expanded.stdout == ansible_user_dir
          - skipped is not changed
          - missing is failed and missing.rc == 2
          - seven.rc == 7
    - command: id
      async: 60
      poll: 1
    - command: sleep 60
      async: 60
      poll: 0
    - block: [{fail: {msg: rescued}}]
      rescue: [{debug: {msg: it was}}]
- hosts: localhost
  tasks:
    - set_fact: {one: "{{ hostvars.node.told.msg }}"}
    - zuul_return: {data: {zuul: {warnings: ["{{ one }}"]}}}
"""
    files = {
        "run.yaml": play,
        "vars.yaml": "of_file: 1\n",
        "file.txt": "copied text",
        "t.j2": "{% for one in [1, 2] %}{{ one }}{% endfor %} {{ of_file }}",
        "library/own_module.py": module,
        "module_utils/word.py": "WORD = 'a word'\n",
        "roles/own/tasks/main.yaml": "- command: echo the role\n",
    }
    world = World(tmp_path, files)
    result = world.run()
    text = "\n".join(world.said)
    assert (result.outcome, refused(result)) == (Outcome.SUCCESS, []), text
    assert (tmp_path / "node/copied").read_text() == "copied text"
    assert (tmp_path / "logs/work/logs/templated").read_text() == "12 1"
    assert "the role" in text and "the job warns: a word" in result.notes
    assert "29999" not in text, "no_log hides live output, too"
    assert not (tmp_path / "root/playing").exists()


HERE = """
- hosts: all
  tasks:
    - file: {path: "{{ logs }}/made/deep", state: directory, mode: "0755"}
      delegate_to: localhost
      become: true
    - copy: {src: file.txt, dest: "{{ logs }}/made/"}
      delegate_to: localhost
    - copy: {content: "one\\n", dest: "{{ logs }}/made/lines"}
      delegate_to: localhost
    - lineinfile: {path: "{{ logs }}/made/lines", line: two}
      delegate_to: localhost
    - template: {src: t.j2, dest: "{{ logs }}/made/templated"}
      delegate_to: localhost
    - stat: {path: "{{ logs }}/made/file.txt"}
      delegate_to: localhost
      register: seen
    - find: {paths: "{{ logs }}/made", recurse: true}
      delegate_to: localhost
      register: found
    - assert: {that: [seen.stat.size == 11, found.matched == 3, seen.stat.checksum is defined]}
    - file: {path: "{{ logs }}/made/deep", state: absent}
      delegate_to: localhost
    - file: {path: ~/tree/sub, state: directory}
    - copy: {content: a, dest: ~/tree/sub/a.txt}
    - copy: {content: b, dest: ~/tree/b.log}
    - file: {src: b.log, dest: ~/tree/link, state: link}
    - synchronize: {src: "{{ ansible_user_dir }}/tree", dest: "{{ logs }}/whole", mode: pull}
    - ansible.posix.synchronize: {src: ~/tree/, dest: "{{ logs }}/content", mode: pull, rsync_opts: ["--exclude=*.log"]}
    - synchronize: {src: ~/tree/b.log, dest: "{{ logs }}", mode: pull}
    - synchronize: {src: ~/tree/b.log, dest: "{{ logs }}/other.log", mode: pull, verify_host: true, owner: false}
    - synchronize: {src: "{{ logs }}/made", dest: ~/back}
    - synchronize: {src: "{{ logs }}/made/", dest: ~/back, delete: true}
    - synchronize: {src: "{{ logs }}/other.log", dest: ~/back/}
    - synchronize: {src: ~/nowhere, dest: "{{ logs }}", mode: pull}
      register: missing
      failed_when: missing is not failed
- hosts: localhost
  tasks:
    - copy: {content: play, dest: "{{ logs }}/of-a-play"}
"""


def test_tasks_that_handle_files_of_the_build_and_what_is_copied_to_and_fro(tmp_path: Path) -> None:
    world = World(tmp_path, {"run.yaml": HERE, "file.txt": "copied text", "t.j2": "{{ 1 + 1 }}"})
    world.job = replace(world.job, variables={"logs": "{{ zuul.executor.log_root }}"})
    result = world.run()
    text = "\n".join(world.said)
    assert (result.outcome, refused(result)) == (Outcome.SUCCESS, []), text
    logs, node = tmp_path / "logs/work/logs", tmp_path / "node"
    assert {path.name: path.read_text() for path in (logs / "made").iterdir()} == {
        "file.txt": "copied text",
        "lines": "one\ntwo\n",
        "templated": "2",
    }
    assert sorted(path.relative_to(logs).as_posix() for path in (logs / "whole").rglob("*")) == [
        "whole/tree",
        "whole/tree/b.log",
        "whole/tree/link",
        "whole/tree/sub",
        "whole/tree/sub/a.txt",
    ]
    assert sorted(path.name for path in (logs / "content").rglob("*")) == ["a.txt", "link", "sub"]
    assert (logs / "b.log").read_text() == (logs / "other.log").read_text() == "b"
    assert sorted(path.name for path in (node / "back").iterdir()) == ["file.txt", "lines", "other.log", "templated"]
    assert (logs / "of-a-play").read_text() == "play"


def test_a_node_that_is_lost_is_never_the_changes_fault(tmp_path: Path) -> None:
    world = World(
        tmp_path, {"run.yaml": "- hosts: all\n  tasks: [{name: First, command: echo one}, {command: echo two}]\n"}
    )
    usual, count = world.node.run, 0

    def run(argv: object, **rest: object) -> int:
        nonlocal count
        count += 1
        if count > 8:
            raise InfrastructureError("the node is gone")
        return usual(argv, **rest)  # type: ignore[arg-type]

    world.node.run = run  # type: ignore[method-assign,assignment]
    result = world.run()
    assert result.outcome is Outcome.NODE_FAILURE, "\n".join(world.said)
    assert "the node node was lost at the task" in result.reason and "the node is gone" in result.reason


def test_a_build_that_is_stopped_is_cleaned_up_after(tmp_path: Path) -> None:
    files = {
        "run.yaml": "- hosts: all\n  gather_facts: false\n  tasks: [{shell: touch ~/begun; sleep 600}]\n",
        "cleanup.yaml": "- hosts: all\n  gather_facts: false\n  tasks: [{command: touch cleaned, args: {chdir: ~}}]\n",
    }
    world, stop = World(tmp_path, files), Stop()
    world.job = replace(world.job, playbooks=Playbooks(run=(book("run.yaml"),), cleanup=(book("cleanup.yaml"),)))

    def end() -> None:
        while not (tmp_path / "node/begun").exists():
            time.sleep(0.05)
        stop.ask()

    threading.Thread(target=end, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Stopped), stoppable(stop):
        world.run()
    assert time.monotonic() - began < 120
    assert (tmp_path / "node/cleaned").exists(), "\n".join(world.said)
