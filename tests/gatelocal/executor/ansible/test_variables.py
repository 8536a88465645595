"""What playbooks are told: the variable `zuul` with Zuul's types, the inventory, whose word is the last."""

from __future__ import annotations

import base64
from dataclasses import replace

import yaml

from gatelocal.executor.ansible import variables
from gatelocal.executor.ansible.variables import Host, Moment, Places
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.job import Job
from gatelocal.model.plan import Group
from gatelocal.model.playbooks import Item, Playbooks
from gatelocal.model.returned import Artifact, Given
from gatelocal.model.stanza import Tagged

CHANGE = Change(
    "acme/app",
    "stable/1",
    "c" * 40,
    "Subject\n\nBody\n",
    ChangeStatus.NEW,
    None,
    1234,
    5,
    "refs/changes/34/1234/5",
    "https://r/1234",
)
BEFORE = Change("acme/lib", "master", "b" * 40, "Before\n")
ITEM = Item("h.org", "gate", "stable/1", CHANGE, (BEFORE, CHANGE), "acme")
PLACES = Places(
    run="20260101",
    build="unit",
    attempt=2,
    work="/w",
    source="/root/src",
    home="/home/zuul",
    paths={"acme/app": "src/h.org/acme/app", "acme/lib": "src/h.org/acme/lib"},
    checkouts={"acme/app": ("stable/1", "a" * 40), "acme/lib": ("master", "d" * 40)},
    hosts=(Host(("primary",), "deb"),),
    groups=(Group("web", ("primary",)),),
)
BOOKS = Playbooks(
    extra_variables={"forced": 1},
    host_variables={"primary": {"mine": True}},
    group_variables={"web": {"ours": [1]}, "all": {"everybody": "x", "word": "of all"}},
    attempts=3,
)
JOB = Job(
    "unit",
    variables={"word": "of the job", "raw": Tagged("!unsafe", "{{ no }}")},
    timeout=60,
    playbooks=BOOKS,
)


class _Loader(yaml.SafeLoader):
    """With the one tag of Ansible's."""


_Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", node.value))


def test_the_variable_zuul() -> None:
    told = variables.zuul(
        Job("unit", required_projects=("h.org/acme/lib",), playbooks=BOOKS), ITEM, "acme/app", PLACES, Given()
    )
    assert (told["change"], told["patchset"]) == ("1234", "5"), "texts, as Zuul has them"
    assert (told["branch"], told["ref"], told["change_url"]) == ("stable/1", "refs/changes/34/1234/5", "https://r/1234")
    assert base64.b64decode(str(told["message"])).decode() == told["change_message"] == "Subject\n\nBody\n"
    assert told["project"] == {
        "name": "acme/app",
        "short_name": "app",
        "canonical_hostname": "h.org",
        "canonical_name": "h.org/acme/app",
        "src_dir": "src/h.org/acme/app",
    }
    projects = told["projects"]
    assert isinstance(projects, dict)
    assert {name: (one["required"], one["checkout"]) for name, one in projects.items()} == {
        "h.org/acme/app": (False, "stable/1"),
        "h.org/acme/lib": (True, "master"),
    }
    items = told["items"]
    assert isinstance(items, list)
    assert [(one["project"]["name"], one["change"]) for one in items] == [
        ("acme/lib", "bbbbbbbbbb"),
        ("acme/app", "1234"),
    ]
    assert told["executor"]["log_root"] == "/w/logs"  # type: ignore[index]
    assert (told["attempts"], told["max_attempts"], told["tenant"], told["pipeline"]) == (2, 3, "acme", "gate")


def test_ids_are_those_of_the_build_and_of_its_run() -> None:
    def told(build: str) -> dict[str, object]:
        return variables.zuul(JOB, ITEM, "acme/app", replace(PLACES, build=build), Given())

    one, other, again = told("unit"), told("unit~2"), told("unit")
    assert one["build"] == again["build"] != other["build"]
    assert one["buildset"] == other["buildset"] != one["build"]
    assert len(str(one["build"])) == 32


def test_a_branch_without_a_change() -> None:
    told = variables.zuul(JOB, Item("h.org", "gate", "master"), "acme/app", PLACES, Given())
    assert (told["ref"], told["branch"], "change" in told, told["items"]) == ("refs/heads/master", "master", False, [])
    assert "newrev" not in told
    told = variables.zuul(JOB, Item("h.org", "post", "master", commit="a" * 40), "acme/app", PLACES, Given())
    assert told["newrev"] == told["commit_id"] == "a" * 40


def test_a_tag() -> None:
    places = replace(PLACES, checkouts={"acme/app": ("1.0", "a" * 40), "acme/lib": ("master", "d" * 40)})
    told = variables.zuul(JOB, Item("h.org", "release", "refs/tags/1.0", commit="a" * 40), "acme/app", places, Given())
    assert (told["tag"], told["ref"], told["newrev"], told["commit_id"]) == ("1.0", "refs/tags/1.0", "a" * 40, "a" * 40)
    assert not {"branch", "change", "oldrev"} & set(told)
    projects = told["projects"]
    assert isinstance(projects, dict)
    assert projects["h.org/acme/app"]["checkout_description"] == "tag ref"


def test_hosts_groups_and_the_jobs_own_variables() -> None:
    text = variables.inventory(JOB, {"build": "x"}, PLACES, {})
    everything = yaml.load(text, Loader=_Loader)["all"]  # noqa: S506 - a safe one
    host = everything["hosts"]["primary"]
    assert (host["mine"], host["ansible_connection"], host["nodepool"]["label"]) == (True, "gatelocal", "deb")
    assert everything["children"] == {"web": {"hosts": {"primary": None}, "vars": {"ours": [1]}}}
    shown = everything["vars"]
    assert (shown["word"], shown["everybody"], shown["zuul"]) == ("of the job", "x", {"build": "x"})
    assert shown["raw"] == ("unsafe", "{{ no }}")
    assert (shown["zuul_use_fetch_output"], shown["ansible_user_dir"]) == (True, "/home/zuul")


def test_several_nodes_know_each_other_by_their_network() -> None:
    hosts = (Host(("controller", "primary"), "deb", "172.31.0.1"), Host(("compute1",), "ubu", "172.31.0.2"))
    places = replace(PLACES, hosts=hosts, groups=(Group("peers", ("compute1", "primary")),))
    everything = yaml.safe_load(variables.inventory(Job("unit", playbooks=Playbooks()), {}, places, {}))["all"]
    found = {
        name: (host["ansible_host"], host["nodepool"]["private_ipv4"], host["nodepool"]["label"])
        for name, host in everything["hosts"].items()
    }
    first = ("172.31.0.1", "172.31.0.1", "deb")
    assert found == {"controller": first, "primary": first, "compute1": ("172.31.0.2", "172.31.0.2", "ubu")}
    assert list(everything["children"]["peers"]["hosts"]) == ["compute1", "primary"]


def test_a_job_cannot_alter_what_zuul_tells_it() -> None:
    job = Job("unit", variables={"zuul": "mine", "zuul_use_fetch_output": False}, playbooks=BOOKS)
    shown = yaml.safe_load(variables.inventory(job, {"build": "x"}, PLACES, {}))["all"]["vars"]
    assert (shown["zuul"], shown["zuul_use_fetch_output"]) == ({"build": "x"}, False)
    books = Playbooks(extra_variables={"forced": 1, "zuul_success": "lies"})
    moment = Moment("post", "h.org/acme/app", "master", "p/post.yaml", success=False)
    last = yaml.safe_load(variables.last_word(Job("unit", playbooks=books), moment, PLACES))
    assert (last["forced"], last["zuul_success"], last["zuul_execution_phase"]) == (1, False, "post")
    assert last["zuul_execution_canonical_name_and_path"] == "h.org/acme/app/p/post.yaml"


def test_what_the_jobs_before_give() -> None:
    given = Given(("after",), (Artifact({"name": "n", "url": "u"}, "/f"),), {"word": "of another", "deep": {"a": 1}})
    told = variables.zuul(JOB, ITEM, "acme/app", PLACES, given)
    assert (told["child_jobs"], told["artifacts"]) == (["after"], [{"name": "n", "url": "u"}])
    assert "artifacts" not in variables.zuul(JOB, ITEM, "acme/app", PLACES, Given()), "jobs ask whether there are any"
    job = Job("unit", variables={"word": "of the job", "deep": {"b": 2}}, playbooks=BOOKS)
    shown = yaml.safe_load(variables.inventory(job, {}, PLACES, given.data))["all"]["vars"]
    assert (shown["word"], shown["deep"]) == ("of the job", {"a": 1, "b": 2})
