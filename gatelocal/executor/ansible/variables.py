"""What a job's playbooks are told by the gate: the variable `zuul`, hosts, groups, and the job's own; pure data.

The names are those of Zuul's documentation ("Job content", Zuul 14). What nobody here knows is not there.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from gatelocal.model.change import Change
from gatelocal.model.job import Job
from gatelocal.model.plan import Group
from gatelocal.model.playbooks import Item, Playbooks
from gatelocal.model.refs import full, is_tag, short
from gatelocal.model.returned import Given, merged
from gatelocal.model.stanza import Tagged

_NAMESPACE = uuid.UUID("8e6c1b4e-5d0c-4a53-9a55-3b1f1d0d5c2a")
RESULT = "results.json"


@dataclass(frozen=True, slots=True)
class Host:
    """One node. :ivar address: where the others reach it; empty: there are none."""

    names: tuple[str, ...]
    label: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a build is, on this machine and on its node.

    :ivar run: the name of its run. :ivar build: of its folder, which no other build has. :ivar attempt: from 1.
    :ivar work: Zuul's work root: the folder that playbooks may write to on this machine.
    :ivar source: where the trees are on this machine. :ivar home: the folder on the node that builds happen in.
    :ivar paths: project → its tree's place, ``src/<host>/<project>``. :ivar checkouts: project → what is checked out
        there: its name, and its commit.
    :ivar hosts: the job's nodes. :ivar groups: of them.
    """

    run: str
    build: str
    attempt: int
    work: str
    source: str
    home: str
    paths: Mapping[str, str]
    checkouts: Mapping[str, tuple[str, str]]
    hosts: tuple[Host, ...]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """Which playbook is run, and how far the job is. :ivar phase: ``pre``, ``run``, ``post`` or ``cleanup``."""

    phase: str
    project: str
    branch: str
    path: str
    success: bool = True
    will_retry: bool = False


def zuul(job: Job, item: Item, project: str, places: Places, given: Given) -> dict[str, object]:
    """The variable `zuul`. :param project: the change's."""
    required = {name.removeprefix(f"{item.host}/") for name in job.required_projects}
    told: dict[str, object] = {
        "build": _id(f"{places.run}/{places.build}"),
        "buildset": _id(places.run),
        "attempts": places.attempt,
        "max_attempts": job.playbooks.attempts if job.playbooks else 1,
        "job": job.name,
        "pipeline": item.pipeline,
        "tenant": item.tenant,
        "voting": job.voting,
        "timeout": job.timeout,
        "post_review": False,
        "jobtags": [],
        "event_id": _id(f"{places.run}/event"),
        "override_checkout": job.playbooks.checkout if job.playbooks else "",
        "project": _project(item, project, places),
        "projects": {
            f"{item.host}/{name}": {
                **_project(item, name, places),
                "required": name in required,
                "checkout": checkout,
                "checkout_description": _why(item, checkout),
                "commit": commit,
            }
            for name, (checkout, commit) in places.checkouts.items()
        },
        "items": [_item(item, change, places) for change in item.changes],
        "child_jobs": list(given.children),
        "resources": {},
        "executor": {
            "hostname": "localhost",
            "src_root": places.source,
            "work_root": places.work,
            "log_root": f"{places.work}/logs",
            "result_data_file": f"{places.work}/{RESULT}",
        },
    }
    if given.artifacts:
        told["artifacts"] = [dict(one.told) for one in given.artifacts]
    return {**told, **(_ref(item) if item.change is None else _change(item.change))}


def inventory(job: Job, told: Mapping[str, object], places: Places, data: Mapping[str, object]) -> str:
    """Hosts, groups and the job's variables, as Ansible reads them. :param data: what the jobs before give it."""
    books = job.playbooks or Playbooks()
    hosts: dict[str, object] = {}
    for name, node in ((name, one) for one in places.hosts for name in one.names):
        own = books.host_variables.get(name)
        hosts[name] = {
            "ansible_connection": "gatelocal",
            "ansible_host": node.address or name,
            "ansible_python_interpreter": "python3",
            "nodepool": _nodepool(node),
            **(own if isinstance(own, Mapping) else {}),
        }
    groups = {
        group.name: {"hosts": dict.fromkeys(group.nodes), "vars": _mapping(books, group.name)}
        for group in places.groups
    }
    everybody = _mapping(books, "all")
    variables = {"zuul_use_fetch_output": True, **everybody, **merged(data, job.variables), "zuul": told}
    variables["ansible_user_dir"] = places.home
    return dump({"all": {"hosts": hosts, "children": groups, "vars": variables}})


def last_word(job: Job, moment: Moment, places: Places) -> str:
    """The variables that no playbook can set otherwise."""
    books = job.playbooks or Playbooks()
    execution = {
        "zuul_execution_phase": moment.phase,
        "zuul_execution_trusted": "False",
        "zuul_execution_canonical_name_and_path": f"{moment.project}/{moment.path}",
        "zuul_execution_branch": moment.branch,
        "zuul_success": moment.success,
        "zuul_will_retry": moment.will_retry,
        "zuul_ansible_split_streams": books.split_streams,
        "ansible_user_dir": places.home,
    }
    return dump({**books.extra_variables, **execution})


def dump(value: object) -> str:
    """As YAML for Ansible; what is marked ``!unsafe`` stays so."""
    return yaml.dump(_bare(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _id(name: str) -> str:
    """As Zuul's ids look: the same for the same name."""
    return uuid.uuid5(_NAMESPACE, name).hex


def _ref(item: Item) -> dict[str, object]:
    """Of a branch or a tag that is tested as it is."""
    name = {"tag": short(item.branch)} if is_tag(item.branch) else {"branch": item.branch}
    at = {"newrev": item.commit, "commit_id": item.commit} if item.commit else {}
    return {**name, "ref": full(item.branch), **at}


def _why(item: Item, checkout: str) -> str:
    if checkout != short(item.branch):
        return "job override ref"
    return "tag ref" if is_tag(item.branch) else "zuul branch"


def _project(item: Item, project: str, places: Places) -> dict[str, object]:
    return {
        "name": project,
        "short_name": project.rpartition("/")[2],
        "canonical_hostname": item.host,
        "canonical_name": f"{item.host}/{project}",
        "src_dir": places.paths.get(project, f"src/{item.host}/{project}"),
    }


def _item(item: Item, change: Change, places: Places) -> dict[str, object]:
    return {**_change(change), "project": _project(item, change.project, places)}


def _change(change: Change) -> dict[str, object]:
    """Zuul has numbers as texts; a commit that no server has seen goes by its first digits."""
    message = change.message
    return {
        "branch": change.branch,
        "ref": change.ref or f"refs/changes/local/{change.commit}",
        "change": str(change.number) if change.number is not None else change.commit[:10],
        "patchset": str(change.patchset) if change.patchset is not None else "1",
        "commit_id": change.commit,
        "change_url": change.url or "",
        "change_message": message,
        "message": base64.b64encode(message.encode("utf-8", "surrogateescape")).decode(),
        "topic": None,
    }


def _nodepool(host: Host) -> dict[str, object]:
    address = host.address or "127.0.0.1"
    return {
        "label": host.label,
        "cloud": "gatelocal",
        "provider": "gatelocal",
        "region": "local",
        "az": None,
        "interface_ip": address,
        "public_ipv4": address,
        "private_ipv4": address,
        "public_ipv6": "",
    }


def _mapping(books: Playbooks, group: str) -> Mapping[str, object]:
    value = books.group_variables.get(group)
    return value if isinstance(value, Mapping) else {}


def _bare(value: object) -> object:
    """Without the mappings and tuples that YAML's writer does not know."""
    if isinstance(value, Tagged):
        return Tagged(value.tag, _bare(value.value))
    if isinstance(value, Mapping):
        return {key: _bare(inner) for key, inner in value.items()}
    return [_bare(inner) for inner in value] if isinstance(value, (list, tuple)) else value


class _Dumper(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _tagged(dumper: _Dumper, value: Tagged) -> yaml.Node:
    node: yaml.Node = dumper.represent_data(value.value)
    if value.tag == "!unsafe":
        node.tag = value.tag
    return node


_Dumper.add_representer(Tagged, _tagged)
