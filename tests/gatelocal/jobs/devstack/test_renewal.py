"""What a stack that stands can take in, and what is restarted then."""

from __future__ import annotations

import pytest

from gatelocal.jobs.devstack.renewal import Renewal, may_be_cloned, renewal


def test_a_service_is_restarted_alone_and_a_library_with_all_services() -> None:
    assert renewal({"keystone": ["keystone/api/regions.py"]}) == Renewal(trees=("keystone",), units=("keystone*",))
    both = renewal({"keystone": ["a.py"], "oslo.policy": ["b.py"]})
    assert (both.trees, both.units) == (("keystone", "oslo.policy"), ("*",))
    assert renewal({"glance": ["a.py"], "keystone": ["a.py"]}).units == ("g-*", "keystone*")
    assert renewal({}) == Renewal()


def test_tests_restart_nothing() -> None:
    found = renewal({"tempest": ["tempest/api/identity/x.py", "etc/x"], "keystone-tempest-plugin": ["setup.cfg"]})
    assert (found.cold, found.units, found.reinstall) == ("", (), ("keystone-tempest-plugin",))


@pytest.mark.parametrize("path", ["setup.cfg", "setup.py", "pyproject.toml", "requirements.txt"])
def test_a_package_whose_description_differs_is_installed_anew(path: str) -> None:
    assert renewal({"keystone": [path]}).reinstall == ("keystone",)
    assert renewal({"keystone": [f"doc/{path}"]}).reinstall == ()


@pytest.mark.parametrize(
    ("name", "path", "why"),
    [
        ("devstack", "README.rst", "devstack is another one"),
        ("requirements", "upper-constraints.txt", "requirements is another one"),
        ("keystone", "keystone/common/sql/migrations/versions/2026.2/expand/x.py", "a database migration"),
        ("glance", "glance/db/sqlalchemy/alembic_migrations/versions/x.py", "a database migration"),
        ("keystone", "etc/default_catalog.templates", "configuration that is installed once"),
        ("keystone", "devstack/plugin.sh", "its devstack plugin"),
        ("keystone", "bindep.txt", "packages of the distribution"),
        ("keystone", "keystone/wsgi/api.py", "how its service is started"),
    ],
)
def test_what_stack_sh_alone_does_is_done_from_the_beginning(name: str, path: str, why: str) -> None:
    found = renewal({name: ["a.py", path], "keystoneauth": ["b.py"]})
    assert found.trees == ()
    assert why in found.cold and found.cold


def test_services_that_know_their_host_are_not_cloned() -> None:
    assert may_be_cloned({"key", "mysql", "g-api", "placement-api", "s-proxy", "tempest"}) == ""
    assert may_be_cloned({"key", "n-cpu"}) == "the service n-cpu knows its host by name"
    assert may_be_cloned({"ovn-northd"}) and may_be_cloned({"rabbit"}) and may_be_cloned({"c-vol"})
