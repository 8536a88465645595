"""What jobs hand to one another by `zuul_return`, by the real command and the real Ansible."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.live.test_ansible import BIN, kept, log, project, run  # noqa: F401 - a fixture
from tests.patience import until

pytestmark = pytest.mark.live

PROJECT = {
    ".zuul.yaml": """
- job: {name: own-base, abstract: true, attempts: 2, nodeset: {nodes: [{name: primary, label: debian-bookworm}]}}
- job: {name: make, parent: own-base, run: playbooks/make.yaml, provides: [image]}
- job: {name: use, parent: own-base, run: playbooks/use.yaml, dependencies: [make], vars: {word: of the job}}
- job: {name: unwanted, parent: own-base, run: playbooks/use.yaml, dependencies: [make]}
- job: {name: once, parent: own-base, pre-run: playbooks/once.yaml, run: playbooks/use.yaml}
- job: {name: registry, parent: own-base, run: playbooks/registry.yaml, post-run: playbooks/after.yaml}
- job: {name: client, parent: own-base, run: playbooks/client.yaml, dependencies: [registry]}
- project:
    gate: {jobs: [make, use, unwanted, once]}
    check: {jobs: [registry, client]}
""",
    "playbooks/make.yaml": """
- hosts: all
  tasks:
    - assert: {that: ["zuul.child_jobs == ['use', 'unwanted']", "zuul.artifacts is undefined"]}
    - copy: {content: the image, dest: "{{ ansible_user_dir }}/zuul-output/artifacts/image.txt"}
    - zuul_return:
        data:
          zuul:
            artifacts: [{name: image, url: artifacts/image.txt, metadata: {kind: text}}, {name: docs, url: "https://d/"}]
            child_jobs: [use]
            warnings: [it is old]
            file_comments: {job.sh: [{line: 1, message: this is no job}]}
          version: 3
          word: of another
      delegate_to: localhost
""",
    "playbooks/use.yaml": """
- hosts: all
  tasks:
    - assert:
        that:
          - version == 3 and word == 'of the job'
          - zuul.artifacts | map(attribute='name') | list == ['image', 'docs']
          - zuul.artifacts[0].job == 'make' and zuul.artifacts[0].project == 'ex/p'
          - zuul.artifacts[0].metadata.kind == 'text' and zuul.artifacts[1].url == 'https://d/'
    - get_url: {url: "{{ zuul.artifacts[0].url }}", dest: "{{ ansible_user_dir }}/image"}
    - shell: "grep -x 'the image' ~/image"
""",
    "playbooks/once.yaml": """
- hosts: all
  tasks:
    - zuul_return: {data: {zuul: {retry: false}}}
    - fail: {msg: "it cannot be, {{ zuul_will_retry }}"}
""",
    "playbooks/registry.yaml": """
- hosts: all
  tasks:
    - shell: touch ~/up
    - zuul_return: {data: {zuul: {pause: true}, place: "{{ ansible_user_dir }}"}}
""",
    "playbooks/client.yaml": """
- hosts: all
  tasks:
    - shell: test -e {{ place }}/up && touch {{ place }}/asked && sleep 3
""",
    "playbooks/after.yaml": """
- hosts: all
  tasks:
    - shell: ls ~; test -e ~/asked
""",
}


@pytest.mark.usefixtures("kept")
def test_artifacts_variables_and_the_choice_of_children(tmp_path: Path) -> None:
    status, builds, said = run(tmp_path, project(tmp_path, PROJECT), "--node", "local", "-w", "2")
    told = {name: (build["outcome"], build["reason"]) for name, build in builds.items()}
    assert told["make"] == ("SUCCESS", ""), log(builds["make"])
    assert told["use"] == ("SUCCESS", ""), log(builds["use"])
    assert told["unwanted"] == ("SKIPPED", "make did not ask for it")
    assert told["once"][0] == "FAILURE" and "it cannot be, False" in str(told["once"][1])
    assert status == 1 and {"the job warns: it is old", "job.sh:1: this is no job"} <= set(builds["make"]["notes"])
    assert [one["id"] for one in builds["make"]["deviations"]] == ["base-job", "node"], said


@pytest.mark.usefixtures("kept")
def test_a_job_waits_for_those_after_it_and_outlives_the_command(tmp_path: Path) -> None:
    environment = project(tmp_path, PROJECT)
    arguments = ("--node", "local", "--pipeline", "check", "-w", "1")
    status, builds, said = run(tmp_path, environment, *arguments)
    assert status == 0, said + "".join(map(log, builds.values()))
    lines = log(builds["registry"]).splitlines()
    paused, again = (next(at for at, line in enumerate(lines) if word in line) for word in ("> paused", "> goes on"))
    assert paused < again < next(at for at, line in enumerate(lines) if "[post] playbooks/after.yaml" in line)
    (first,) = (tmp_path / "state/runs").iterdir()

    command = [str(BIN / "gatelocal"), "run", "-q", *arguments]
    with subprocess.Popen(command, cwd=tmp_path / "tree", env=environment, stderr=subprocess.DEVNULL) as child:
        until(lambda: list((tmp_path / "state/runs").glob("*/client/go"))[1:])
        os.kill(child.pid, signal.SIGKILL)
    (second,) = set((tmp_path / "state/runs").iterdir()) - {first}
    done = subprocess.run(
        [str(BIN / "gatelocal"), "run", "-q", "--json", "--resume"],
        cwd=tmp_path / "tree",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {one["job"]: one["outcome"] for one in json.loads(done.stdout)["builds"]} == dict.fromkeys(
        ("registry", "client"), "SUCCESS"
    )
    assert not list(second.glob("*~2")), "nothing is run twice"
