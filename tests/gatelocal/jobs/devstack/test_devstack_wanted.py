"""A frozen job of the devstack family, and what it wants on its node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatelocal.config.zuul_yaml import parse
from gatelocal.errors import ConfigurationError
from gatelocal.jobs.devstack import needs
from gatelocal.jobs.devstack.expressions import Facts
from gatelocal.jobs.devstack.profiles import PIPELINE, PROFILES, job_name, stanzas
from gatelocal.jobs.devstack.wanted import Stack, sized, wanted
from gatelocal.jobs.families import wants_devstack
from gatelocal.jobs.freeze import freeze
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.job import Job
from gatelocal.model.label import Size, Sizing
from gatelocal.model.stanza import Tagged

FACTS = Facts(address="10.0.2.100", mtu=1500, cores=2)
MINIMAL = """
- job:
    name: j
    parent: devstack-minimal
    required-projects: [openstack/keystone]
    vars:
      devstack_services: {key: true, etcd3: false, memory_tracker: false, file_tracker: false, rabbit: false}
      devstack_localrc: {%s}
"""


def job_of(text: str) -> Job:
    found = parse(f"{text}\n- project: {{gate: {{jobs: [j]}}}}\n", ".zuul.yaml")
    return freeze(found, "openstack/keystone", "master").jobs[0]


def stack_of(job: Job, *settings: str) -> Stack:
    return wanted(job, "openstack/keystone", "master", FACTS, settings)


def lines(stack: Stack) -> list[str]:
    return stack.local_conf.splitlines()


def test_a_child_of_a_shared_job_inherits_all_of_it() -> None:
    job = job_of(MINIMAL % "PUBLIC: $HOST_IP")
    assert (job.run, job.family, wants_devstack(job), job.timeout) == (True, "devstack", True, None)
    stack = stack_of(job)
    assert stack.trees == {
        "openstack/keystone": "keystone",
        "openstack/devstack": "devstack",
        "openstack/requirements": "requirements",
    }
    assert stack.suite is None
    found = lines(stack)
    assert found[:3] == ["[[local|localrc]]", "disable_all_services", "disable_service dstat"]
    for line in (
        'ADMIN_PASSWORD="secretadmin"',
        'HOST_IP="10.0.2.100"',
        'PUBLIC_BRIDGE_MTU="1430"',
        'LIBVIRT_TYPE="qemu"',
        'ERROR_ON_CLONE="True"',
        'DOWNLOAD_DEFAULT_IMAGES="False"',
    ):
        assert line in found
    assert found.index('HOST_IP="10.0.2.100"') < found.index('PUBLIC="$HOST_IP"')
    assert found[-2] == "LIBS_FROM_GIT=devstack,requirements,keystone"
    assert stack.services == {"key", "mysql", "openstack-cli-server"}
    assert [one.id for one in stack.deviations] == ["devstack-native"]


def test_a_job_that_runs_tempest_and_one_with_a_playbook_of_its_own() -> None:
    full = job_of("- job: {name: j, parent: devstack-tempest, vars: {tempest_test_regex: keystone}}")
    assert (full.family, full.timeout) == ("devstack-tempest", 7200)
    stack = stack_of(full)
    assert stack.suite is not None
    assert stack.suite.words(()) == ("keystone", "--concurrency=2")
    assert "global_physnet_mtu = 1430" in lines(stack)
    assert "min_compute_nodes = 1" in lines(stack)
    constraints = "/opt/stack/requirements/upper-constraints.txt"
    assert f'TEMPEST_VENV_UPPER_CONSTRAINTS="{constraints}"' in lines(stack)
    assert stack.suite.environment["TOX_CONSTRAINTS_FILE"] == constraints
    assert [one.id for one in stack.deviations] == [
        "devstack-native",
        "devstack-tempest-constraints",
        "devstack-tempest-user",
    ]
    own = job_of("- job: {name: j, parent: devstack-minimal, run: p/own.yaml}")
    assert (own.family, own.run, wants_devstack(own)) == ("", False, True)
    two = job_of(
        "- job: {name: j, parent: devstack-minimal, nodeset: {nodes: [{name: a, label: x}, {name: b, label: x}]}}"
    )
    assert (two.run, "2 nodes" in two.reason) == (False, True)


def test_a_playbook_of_ones_own_beside_the_main_one_is_told() -> None:
    job = job_of("- job: {name: j, parent: devstack-minimal, pre-run: p/fips.yaml}")
    assert [(one.id, "p/fips.yaml" in one.text) for one in job.deviations] == [("devstack-playbook", True)]


def test_cloning_is_never_allowed() -> None:
    stack = stack_of(job_of(MINIMAL % "ERROR_ON_CLONE: false"))
    assert 'ERROR_ON_CLONE="True"' in lines(stack)
    assert [one.id for one in stack.deviations] == ["devstack-native", "devstack-no-clone"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"devstack_services": {"g-api": True}}, "the service g-api comes from the repository glance"),
        (
            {"devstack_plugins": {"barbican": "https://h/o/barbican"}},
            "of the job has the plugin barbican",
        ),
        ({"devstack_localrc": {"A": "{{ lookup('file', 'x') }}"}}, r"devstack_localrc\.A has a template"),
        ({"devstack_localrc": {"A": "{% if x %}"}}, r"devstack_localrc\.A has a template"),
        ({"devstack_localrc": {"A": "{{ tempest_a }}"}, "tempest_a": "{{ tempest_a }}"}, "refers to itself"),
        ({"devstack_localrc": {"A": Tagged("!encrypted/pkcs1-oaep", "x")}}, r"devstack_localrc\.A is encrypted"),
        ({"devstack_localrc": ["A"]}, "devstack_localrc is no mapping"),
        ({"tempest_plugins": "x"}, "tempest_plugins is no list"),
        ({"devstack_base_dir": "/opt/../etc"}, "no absolute path below the root"),
        ({"devstack_base_dir": "/"}, "no absolute path below the root"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(variables: dict[str, object], message: str) -> None:
    job = job_of(MINIMAL % "")
    with pytest.raises(ConfigurationError, match=message):
        stack_of(replace(job, variables={**job.variables, **variables}))


def test_repositories_that_devstack_cannot_tell_apart_or_must_have() -> None:
    job = job_of(MINIMAL % "")
    with pytest.raises(ConfigurationError, match="would both be keystone"):
        stack_of(replace(job, required_projects=(*job.required_projects, "x/keystone")))
    with pytest.raises(ConfigurationError, match="devstack comes from the repository requirements") as error:
        stack_of(replace(job, required_projects=("openstack/devstack",)))
    assert error.value.hint == "add it to required-projects; lacking in all: requirements"


def test_a_plugin_is_found_by_its_own_name_or_its_address() -> None:
    job = job_of(MINIMAL % "")
    plugins = {
        "keystone": "https://opendev.org/openstack/keystone",
        "other": "https://h/openstack/keystone.git stable/1",
    }
    stack = stack_of(replace(job, variables={**job.variables, "devstack_plugins": plugins}), "define_plugin other\n")
    assert lines(stack)[-3:-1] == [f"enable_plugin {name} {url}" for name, url in plugins.items()]


def test_names_of_services_lead_to_repositories_and_memory() -> None:
    names = ("key", "keystone-oidc-federation", "g-api", "n-cpu", "placement-api", "q-svc", "s-proxy", "c-api", "etcd3")
    assert [needs.repository(one) for one in names] == [
        *("keystone", "keystone", "glance", "nova", "placement", "neutron", "swift", "cinder", "")
    ]
    identity = needs.memory({"key", "mysql", "tempest"}, fake_guests=False)
    assert identity == 2000
    fake, real = (needs.memory({"key", "mysql", "n-api", "n-cpu"}, fake_guests=one) for one in (True, False))
    assert real - fake == 1500
    whole = job_of("- job: {name: j, parent: devstack-tempest}")
    assert stack_of(whole).memory == 7800
    assert {"ovn-northd", "q-svc", "s-object", "c-vol", "n-cpu"} < set(stack_of(whole).kernel)
    assert needs.kernel({"key", "g-api", "n-api", "n-cpu", "c-api", "etcd3"}, fake_guests=True) == ()
    assert sized(BUILT_IN, whole).wanted("any").size.memory == 8192
    own = replace(BUILT_IN, sizings=(Sizing(("any",), memory=1024), Sizing(("*",), disk=9)))
    assert sized(own, whole).wanted("any").size == Size(2, 1024, 24)
    assert sized(own, whole).wanted("other").size == Size(2, 8192, 9)
    assert sized(own, Job("j")) is own


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_a_job_of_the_family_for_any_project(profile: str) -> None:
    jobs = freeze(stanzas("acme/lib"), "acme/lib", "master", pipelines=(PIPELINE,)).jobs
    assert [one.name for one in jobs] == [job_name(one) for one in PROFILES]
    job = next(one for one in jobs if one.name == job_name(profile))
    assert (job.family, job.run) == ("devstack-tempest", True)
    stack = wanted(job, "acme/lib", "master", FACTS)
    assert stack.suite is not None
    assert "lib" in stack.local_conf.partition("LIBS_FROM_GIT=")[2].splitlines()[0].split(",")
    assert (stack.memory < 2500) == (profile == "identity")
