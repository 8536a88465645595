"""The daemon's file: all its keys, and each mistake with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.config import gate_file, gate_tenant
from gatelocal.config.gate_file import GateFile, Server
from gatelocal.config.launchpad import Launchpad
from gatelocal.config.mirror import Copy
from gatelocal.errors import CONFIGURATION, USAGE, ConfigurationError, InputError
from gatelocal.model.terms import Terms
from gatelocal.model.tracked import Tracked
from gatelocal.pipeline.policies import CLASSIC, policy_of

WHOLE = """\
gerrit:
  url: http://127.0.0.1:8080/
  username: ci
  password-file: secrets/ci
  ssh: 127.0.0.1:29418
  ssh-options: [-i, secrets/id_ci, -o, StrictHostKeyChecking=no]
tenant: tenant.yaml
state: /var/lib/gatelocal
database: sqlite
listen: 127.0.0.1:0
node: auto
builds: 4
policy: default
mode: gate
read-every: 120
tokens: secrets/tokens
"""
LEAST = "gerrit: {url: 'https://review.example.org/r', username: ci}\nstate: state\n"


def load(folder: Path, text: str) -> GateFile:
    path = folder / "gate.yaml"
    path.write_text(text)
    return gate_file.load(path)


def test_all_keys(tmp_path: Path) -> None:
    options = ("-i", str(tmp_path / "secrets/id_ci"), "-o", "StrictHostKeyChecking=no")
    assert load(tmp_path, WHOLE) == GateFile(
        path=tmp_path / "gate.yaml",
        gerrit=Server(
            "http://127.0.0.1:8080/",
            "ci",
            password_file=tmp_path / "secrets/ci",
            ssh=("127.0.0.1", 29418),
            ssh_options=options,
        ),
        tenant=tmp_path / "tenant.yaml",
        state=Path("/var/lib/gatelocal"),
        listen=("127.0.0.1", 0),
        node="auto",
        builds=4,
        policy=policy_of("default"),
        third_party=False,
        every=120.0,
        tokens=tmp_path / "secrets/tokens",
    )


def test_what_may_be_left_out(tmp_path: Path) -> None:
    found = load(tmp_path, LEAST)
    assert found.gerrit == Server("https://review.example.org/r/", "ci")
    assert (found.tenant, found.state) == (tmp_path / "tenant.yaml", tmp_path / "state")
    assert (found.listen, found.node, found.builds, found.every, found.tokens) == (
        ("127.0.0.1", 0),
        "auto",
        4,
        120.0,
        None,
    )
    assert found.policy == policy_of("default")


def test_a_second_remote(tmp_path: Path) -> None:
    options = "ssh-options: [-i, key]"
    found = load(tmp_path, f"{LEAST}mirror: {{url: 'ssh://git@h:22/x/{{project}}.git', {options}}}\n").copy
    assert found == Copy("ssh://git@h:22/x/{project}.git", ssh_options=("-i", str(tmp_path / "key")))
    found = load(tmp_path, f"{LEAST}mirror: {{url: 'ssh://h/{{project}}', ssh-options: [-i, ~/key]}}\n").copy
    assert found is not None
    assert found.ssh_options == ("-i", str(Path.home() / "key"))
    rest = "username: me, password-file: secret"
    found = load(tmp_path, f"{LEAST}mirror: {{url: 'https://h/{{project}}', {rest}}}\n").copy
    assert found == Copy("https://h/{project}", "me", tmp_path / "secret")


def test_words(tmp_path: Path) -> None:
    found = load(tmp_path, LEAST + "policy: {verify: true}\nmode: third-party\nlisten: '[::1]:8000'\n")
    assert found.policy == policy_of({"verify": True}) != CLASSIC
    assert found.third_party
    assert found.listen == ("::1", 8000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{LEAST}buidls: 4\n", "gate.yaml:3: buidls: no key of this file"),
        (
            "state: s\ngerrit:\n  url: http://x/\n  username: ci\n  passwort: x\n",
            "gate.yaml:5: gerrit.passwort: no key of this file",
        ),
        ("state: s\n", "gate.yaml:1: there is no `gerrit`"),
        ("state: s\ngerrit:\n  username: ci\n", "gate.yaml:2: gerrit.url: there is none"),
        ("state: s\ngerrit:\n  url: 'http://[::1'\n  username: ci\n", "gate.yaml:3: gerrit.url: no http or https URL"),
        (
            "state: s\ngerrit:\n  url: http://h:99999/\n  username: ci\n",
            "gate.yaml:3: gerrit.url: no http or https URL",
        ),
        ("state: s\ngerrit:\n  url: ftp://x/\n  username: ci\n", "gate.yaml:3: gerrit.url: no http or https URL"),
        (
            "state: s\ngerrit:\n  url: http://ci:pw@x/\n  username: ci\n",
            "gate.yaml:3: gerrit.url: the user's name and password do not belong here",
        ),
        (f"{LEAST}builds: many\n", "gate.yaml:3: builds: no whole number above 0"),
        (f"{LEAST}read-every: 0\n", "gate.yaml:3: read-every: no whole number above 0"),
        (f"{LEAST}listen: 8000\n", "gate.yaml:3: listen: not HOST:PORT"),
        (f"{LEAST}mode: gates\n", "gate.yaml:3: mode: not 'gates'"),
        (f"{LEAST}policy:\n  verify: true\n  verfy: true\n", "gate.yaml:5: policy.verfy: there is no switch 'verfy'"),
        (f"{LEAST}policy: strict\n", "gate.yaml:3: policy: there is no policy 'strict'"),
        (f"{LEAST}database: mysql://x/y\n", "gate.yaml:3: database: a gate cannot be kept there"),
        (f"{LEAST}state: twice\n", "gate.yaml:3: 'state' stands twice"),
        (f"{LEAST}x: [\n", "gate.yaml:4: "),
        (f"{LEAST}mirror: {{}}\n", "gate.yaml:3: mirror.url: there is none"),
        (f"{LEAST}mirror: {{url: 'https://h/all.git'}}\n", "gate.yaml:3: mirror.url: one {project} has to stand where"),
        (f"{LEAST}mirror: {{url: 'ext::sh -c {{project}}'}}\n", "gate.yaml:3: mirror.url: no remote of git"),
        (f"{LEAST}mirror: {{url: '/{{project}}'}}\n", "gate.yaml:3: mirror.url: no remote of git"),
        (
            f"{LEAST}mirror:\n  url: https://me:pw@h/{{project}}\n",
            "gate.yaml:4: mirror.url: the user's name and password do not belong here",
        ),
        (
            f"{LEAST}mirror:\n  url: https://h/{{project}}\n  username: me\n",
            "gate.yaml:5: mirror.username: it goes together with",
        ),
        (
            f"{LEAST}mirror:\n  url: ssh://h/{{project}}\n  force: true\n",
            "gate.yaml:5: mirror.force: no key of this file",
        ),
        ("- a list\n", "gate.yaml:1: not a mapping of names"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    assert raised.value.brief.startswith(f"{tmp_path}/{said}"), raised.value.brief
    assert raised.value.exit_code == CONFIGURATION


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "keep-runs: soon\ngerrit: {url: 'ftp://x', username: ci, ssh: 'h:x'}\nstate: s\nbuilds: 0\nmoed: gate\n"
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    error, path = raised.value, tmp_path / "gate.yaml"
    assert error.brief == f"{path}:1: keep-runs: has soon, which is no time or size"
    assert "write a time as 90m" in error.hint
    assert [line.split(" (")[0] for line in error.details.splitlines()] == [
        f"{path}:2: gerrit.url: no http or https URL",
        f"{path}:2: gerrit.ssh: not HOST:PORT",
        f"{path}:4: builds: no whole number above 0",
        f"{path}:5: moed: no key of this file",
    ]


def test_a_bug_tracker_that_is_told(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST).launchpad is None
    least = load(tmp_path, f"{LEAST}launchpad: {{credentials-file: lp}}\n").launchpad
    assert least == Launchpad("production", tmp_path / "lp", ("master", "main"), Tracked(()), {})
    assert least is not None
    assert least.of("openstack/nova") == Tracked(("nova",))
    text = """\
launchpad:
  server: http://127.0.0.1:8085
  credentials-file: lp
  trunk: [devel]
  delay-release: true
  projects:
    ex/a.b: nova
    ex/docs: {names: [one, two], bugs: false, delay-release: false}
    ex/same: {blueprints: false}
    ex/toys: []
"""
    found = load(tmp_path, LEAST + text).launchpad
    assert found is not None
    assert (found.server, found.trunk) == ("http://127.0.0.1:8085/", ("devel",))
    assert found.of("ex/a.b") == Tracked(("nova",), delay_release=True)
    assert found.of("ex/docs") == Tracked(("one", "two"), bugs=False)
    assert found.of("ex/same") == Tracked(("same",), blueprints=False, delay_release=True)
    assert found.of("ex/toys").names == ()
    assert found.of("ex/other") == Tracked(("other",), delay_release=True)


def test_all_mistakes_about_a_bug_tracker_are_told_at_once(tmp_path: Path) -> None:
    text = """\
launchpad:
  server: http://launchpad.example.org/
  bugs: often
  projects:
    ex/a.b: 5
    ex/c: {names: [''], pace: slow}
"""
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, LEAST + text)
    error, path = raised.value, tmp_path / "gate.yaml"
    assert [error.brief, *(line.split(" (")[0] for line in error.details.splitlines())] == [
        f"{path}:3: launchpad.credentials-file: there is none",
        f"{path}:4: launchpad.server: the credentials would go there unprotected",
        f"{path}:5: launchpad.bugs: neither true nor false",
        f"{path}:7: launchpad.projects.ex/a.b: not a list of words",
        f"{path}:8: launchpad.projects.ex/c.pace: no key of this file",
        f"{path}:8: launchpad.projects.ex/c.names: not a list of words",
    ]
    for server in ("https://ci:secret-word@x/", "launchpad", "ftp://x/", "http://[::1", "https://h:99999/"):
        with pytest.raises(ConfigurationError, match=r"gate.yaml:\d: launchpad.server: no ") as raised:
            load(tmp_path, f"{LEAST}launchpad: {{server: '{server}', credentials-file: lp}}\n")
        assert "secret-word" not in f"{raised.value.brief} {raised.value.details} {raised.value.hint}"
    with pytest.raises(ConfigurationError, match="launchpad: not a mapping"):
        load(tmp_path, f"{LEAST}launchpad: true\n")


def test_what_is_kept_of_the_past(tmp_path: Path) -> None:
    found = load(tmp_path, f"{LEAST}keep-runs: 7d,5G\nkeep-builds: 52w\n")
    assert (found.keep_runs, found.keep_builds) == (Terms(7 * 86400.0, 5 << 30), 364 * 86400.0)
    assert found.at("keep-builds") == f"{tmp_path / 'gate.yaml'}:4: keep-builds"
    assert load(tmp_path, LEAST).keep_builds == 90 * 86400.0


def test_a_database_on_a_server_is_not_shown_with_its_password(tmp_path: Path) -> None:
    found = load(tmp_path, f"{LEAST}database: postgresql://gate:secret-word@db/gate\n")
    assert found.database == "postgresql://gate:secret-word@db/gate"
    assert "secret-word" not in repr(found)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, "state: s\ngerrit:\n  url: http://ci:secret-word@x/\n  username: ci\n")
    assert "secret-word" not in f"{raised.value.brief} {raised.value.details} {raised.value.hint}"


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        gate_file.load(tmp_path / "gate.yaml")
    assert raised.value.exit_code == USAGE


TENANT = """\
- tenant:
    name: one
    source:
      our-gerrit:
        config-projects: [ex/config]
        untrusted-projects:
          - ex/p
"""


def test_a_tenant_has_one_connection_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(TENANT)
    tenant, connection = gate_tenant.tenant(path, None, "review.example.org")
    assert connection == "our-gerrit"
    assert [one.canonical for one in tenant.projects] == ["review.example.org/ex/config", "review.example.org/ex/p"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TENANT.replace("name: one", "name: one\n    sorce: {}"), "tenant.yaml:3: tenant one: 'sorce' is no key"),
        (
            f"{TENANT}      github: {{untrusted-projects: [ex/q]}}\n",
            "tenant.yaml:8: github: this gate has one connection",
        ),
        (TENANT.replace("- ex/p", "- ex/config"), "tenant.yaml:5: the tenant lists ex/config twice"),
        (f"{TENANT}- tenant: {{name: two}}\n", "tenant.yaml:1: there are 2 tenants"),
    ],
)
def test_a_mistake_of_the_tenant_file_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        gate_tenant.tenant(path, None, "review.example.org")
    assert raised.value.brief.startswith(f"{tmp_path}/{said}"), raised.value.brief
