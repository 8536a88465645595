"""The tenant that comes with the product: its data, and what of it is read for one project."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.config import reach, shipped
from gatelocal.config.plan_file import PlanFile, Rule
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Wanted
from gatelocal.errors import InfrastructureError
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import lay_out
from gatelocal.model.plan import Plan
from gatelocal.model.tenant import TenantProject
from tests.fakes.git_server import GitServer

KNOWN = shipped.shipped()
NOVA = """\
- job: {name: nova-next, parent: devstack-tempest, nodeset: debian-trixie-8GB}
- job: {name: nova-ceph, parent: devstack-plugin-ceph-base}
- project:
    templates: [openstack-python3-jobs, check-requirements]
    check: {jobs: [nova-next, cinder-unlikely]}
    gate: {jobs: [nova-next, nova-ceph, glance-thing]}
"""


def test_every_name_in_it_is_a_project_of_it() -> None:
    assert len(KNOWN.tenant.projects) > 1000
    assert KNOWN.project("openstack/nova") == KNOWN.project("opendev.org/openstack/nova")
    assert {"opendev.org", "review.opendev.org"} == KNOWN.servers
    assert all(KNOWN.project(name) is not None for name in KNOWN.known)
    assert KNOWN.first[0].trusted and not KNOWN.first[-1].trusted


@pytest.mark.parametrize("name", sorted(KNOWN.known))
def test_what_is_known_is_well_formed(name: str) -> None:
    project = KNOWN.project(name)
    assert project is not None
    (file,) = shipped.stand_in(KNOWN, project)
    assert file.faults == () and file.stanzas


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("nova-ceph-multistore", "openstack/nova"),
        ("devstack-plugin-ceph-tempest-py3", "openstack/devstack-plugin-ceph"),
        ("check-requirements", "openstack/requirements"),
        ("osc-functional-devstack-tips", "openstack/python-openstackclient"),
        ("keystone-protection-functional", "openstack/keystone-tempest-plugin"),
        ("manila-tempest-plugin-cephfs", "openstack/manila-tempest-plugin"),
    ],
)
def test_where_a_name_is_looked_for_first(name: str, project: str) -> None:
    assert next(KNOWN.likely(name)).name == project


def test_a_plugin_may_define_what_is_named_after_its_service() -> None:
    assert "openstack/glance-tempest-plugin" in [one.name for one in KNOWN.likely("glance-secure-rbac")]
    assert list(KNOWN.likely("zzz-nowhere")) == []


def planned(folder: Path, asked: list[str], *paths: Rule) -> Plan:
    def copy(project: str, url: str) -> Path:
        asked.append(project)
        raise InfrastructureError(f"cannot fetch {project}")

    def nowhere(_: TenantProject) -> None:
        return None

    file = PlanFile(KNOWN.tenant, (*paths, Rule(None, None, KNOWN.address)), folder)
    hands = reach.Hands(StanzaCache(None), copy, nowhere, nowhere)
    found = reach.load(file, KNOWN, Wanted("openstack/nova", "master"), hands, ("gate",))
    return plan(lay_out(KNOWN.tenant, found), Question("openstack/nova", "master", "gate"))


@pytest.fixture
def server(tmp_path: Path) -> GitServer:
    server = GitServer(tmp_path / "server")
    server.create("openstack/nova", {".zuul.yaml": NOVA}, "master")
    return server


RULE = Rule(None, "server/{project}.git", None)


def test_templates_and_base_jobs_are_known_by_name_where_nothing_can_be_had(tmp_path: Path, server: GitServer) -> None:
    asked: list[str] = []
    found = planned(tmp_path, asked, RULE)
    rules = {one.name: one.rule for one in found.jobs}
    assert rules["openstack-tox-pep8"] == rules["openstack-tox-py313"] == "matches"
    assert rules["openstack-tox-py312"] == "branch"
    assert rules["requirements-check"] == rules["nova-next"] == "matches"
    assert rules["glance-thing"] == "undefined" and rules["nova-ceph"] == "error"
    pep8 = next(one.job for one in found.jobs if one.name == "openstack-tox-pep8")
    assert pep8 is not None and pep8.parents == ("openstack-tox", "tox-fips", "tox", "base")
    assert pep8.nodeset.nodes[0].label == "ubuntu-noble"
    assert {"openstack/requirements", "openstack/glance", "openstack/devstack-plugin-ceph"} <= set(asked)
    assert "openstack/cinder" not in asked and len(asked) == len(set(asked)) < 20
    assert "openstack/glance" in [one.repository for one in found.missing if "glance-thing" in one.needed_for]


def test_a_repository_that_can_be_had_counts_before_what_is_known(tmp_path: Path, server: GitServer) -> None:
    templates = "- project-template: {name: openstack-python3-jobs, gate: {jobs: [noop]}}\n"
    server.create("openstack/openstack-zuul-jobs", {"zuul.d/a.yaml": templates}, "master")
    devstack = (
        "- job: {name: devstack-tempest, run: p.yaml, required-projects: [openstack/cinder, github.com/novnc/novnc]}\n"
    )
    server.create("openstack/devstack", {".zuul.yaml": devstack}, "master")
    found = planned(tmp_path, [], RULE)
    jobs = {one.name: one for one in found.jobs}
    assert "openstack-tox-pep8" not in jobs and jobs["noop"].run
    assert jobs["nova-next"].run and jobs["nova-next"].job is not None
    assert jobs["nova-next"].job.nodeset.nodes[0].label == "debian-trixie-8GB"
    # Nobody looked for it, because its name is all that is needed: it is not told as missing.
    assert "openstack/cinder" not in [one.repository for one in found.missing]
