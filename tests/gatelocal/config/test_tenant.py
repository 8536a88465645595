"""Where a tenant's configuration comes from: the tenant file, repositories, branches, the cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatelocal.config import plan_file, repositories, tenant_config
from gatelocal.config.clones import Clones
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Commit, Wanted
from gatelocal.errors import ConfigurationError, InfrastructureError, InputError
from gatelocal.model.stanza import Tagged
from gatelocal.model.tenant import Repository, TenantProject
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer
from tests.patience import within

HEAD = "connections: {g: {driver: gerrit, server: review.x.org, canonical-hostname: x.org}, h: {driver: github}}\n"
MAIN = """
- global-semaphore: {name: s}
- tenant:
    name: one
    default-parent: root
    source: &source
      g:
        config-projects:
          - a/config: {load-branch: production}
        untrusted-projects:
          - a/app
          - include: [nodeset]
            projects: [a/nodes, {a/both: {exclude-branches: '^feature/.*$'}}]
      h: {untrusted-projects: {a/gh: {exclude: secret, shadow: a/app, extra-config-paths: [x.yaml, dir/]}}}
- tenant: {name: two, max-job-timeout: -1, source: *source}
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_tenant_syntax(tmp_path: Path) -> None:
    write(tmp_path / "main.yaml", MAIN)
    file = write(tmp_path / "f.yaml", HEAD + "tenant-file: main.yaml\nrepositories: [{path: x}]\n")
    tenant = plan_file.load(file, "one").tenant
    assert [one.canonical for one in tenant.projects] == [
        "x.org/a/config",
        "x.org/a/app",
        "x.org/a/nodes",
        "x.org/a/both",
        "github.com/a/gh",
    ]
    config, app, nodes, both, gh = tenant.projects
    assert (config.trusted, config.load_branch, app.trusted) == (True, "production", False)
    assert (nodes.loads, both.exclude_branches) == (frozenset(("nodeset",)), ("^feature/.*$",))
    assert ("secret" in gh.loads, gh.shadows, gh.extra_paths) == (False, ("a/app",), ("x.yaml", "dir/"))
    assert (tenant.default_parent, tenant.max_timeout) == ("root", 10800)
    assert plan_file.load(file, "two").tenant.max_timeout is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1", r"f.yaml:\d: not YAML"),
        ("tenant: {name: t}\nrepo: 1", "'repo' is no key"),
        ("repositories: []", "either `tenant` or `tenant-file`"),
        ("tenant-file: main.yaml\nrepositories: []", "there are 2 tenants"),
        ("tenant-file: none.yaml\nrepositories: []", "cannot read .*none.yaml"),
        ("tenant: {name: t}", "repositories: not a list"),
        ("tenant: {name: t}\nrepositories: [{path: a, url: b}]", "either a path or a url"),
        ("tenant: {name: t}\nrepositories: [{path: 3}]", "path: 3 is no text"),
        (
            "tenant: {name: t, source: {g: {config-projects: [{a: {incude: []}}]}}}\nrepositories: []",
            "'incude' is no key",
        ),
        ("tenant: {name: t, source: {g: {config-projects: [a, a]}}}\nrepositories: []", "lists a twice"),
        (
            "tenant: {name: t, source: {g: {config-projects: {a: {extra-config-paths: ../x}}}}}\nrepositories: []",
            "no path inside a repository",
        ),
        ("tenant: {}\nrepositories: []", "it has no name"),
    ],
)
def test_a_bad_file_is_bad_input_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path / "main.yaml", MAIN)
    with pytest.raises(InputError, match=message):
        plan_file.load(write(tmp_path / "f.yaml", text))


@pytest.fixture
def server(tmp_path: Path) -> GitServer:
    return GitServer(tmp_path / "server")


def loaded(repository: Repository) -> dict[str, list[str]]:
    assert repository.files is not None
    return {
        branch: [f"{file.path}:{one.name}" for file in files for one in file.stanzas]
        for branch, files in repository.files.items()
    }


def read(server: GitServer, project: TenantProject, cache: Path | None = None, **wanted: object) -> Repository:
    asked = Wanted("p", "main", **wanted)  # type: ignore[arg-type]
    return tenant_config.read(project, server.path("p"), None, asked, StanzaCache(cache))


def job(name: str) -> str:
    return f"- job: {{name: {name}}}\n"


def test_every_branch_that_counts_is_read_the_default_branch_first(server: GitServer) -> None:
    first = server.create("p", {".zuul.yaml": job("a"), "zuul.yaml": "", "dir/z.yaml": job("e"), "x.yaml": job("x")})
    server.commit(
        "p",
        "refs/heads/b",
        (first,),
        {"zuul.d/b.yaml": job("b"), "zuul.d/a.yaml": job("c"), "zuul.d/i/.zuul.ignore": "", "zuul.d/i/x.yaml": "["},
    )
    server.commit("p", "refs/heads/feature/z", (first,), {})
    server.commit("p", "refs/changes/01/1/1", (first,), {".zuul.yaml": job("no")})
    found = read(server, TenantProject("p", exclude_branches=("feature/.*",), extra_paths=("dir/", "x.yaml")))
    assert found.branches == ("main", "b")
    extra = ["x.yaml:x", "dir/z.yaml:e"]  # files before folders
    assert loaded(found) == {"main": [".zuul.yaml:a", *extra], "b": ["zuul.d/a.yaml:c", "zuul.d/b.yaml:b", *extra]}
    assert read(server, TenantProject("p", include_branches=("b",))).branches == ("b",)


def test_a_config_project_is_read_from_one_branch_and_no_change_to_it_counts(server: GitServer) -> None:
    first = server.create("p", {"zuul.yaml": job("a")})
    other = server.commit("p", "refs/heads/b", (first,), {"zuul.yaml": job("b")})
    instead = {("p", "main"): Commit(server.path("p"), other)}
    assert loaded(read(server, TenantProject("p", trusted=True), instead=instead)) == {"main": ["zuul.yaml:a"]}
    assert loaded(read(server, TenantProject("p", trusted=True, load_branch="b"))) == {"b": ["zuul.yaml:b"]}
    changed = loaded(read(server, TenantProject("p"), instead=instead))
    assert changed == {"main": ["zuul.yaml:b"], "b": ["zuul.yaml:b"]}


def test_a_clone_has_the_branches_of_its_origin(server: GitServer, tmp_path: Path) -> None:
    first = server.create("p", {"zuul.yaml": job("a")})
    server.commit("p", "refs/heads/b", (first,), {})
    git = Runner(tmp_path, alone=True)
    git.run("clone", "-q", str(server.path("p")), "clone")
    Runner(tmp_path / "clone", alone=True).run("branch", "mine")
    assert list(repositories.heads(tmp_path / "clone").commits) == ["main", "b"]
    Runner(tmp_path / "clone", alone=True).run("remote", "remove", "origin")
    assert list(repositories.heads(tmp_path / "clone").commits) == ["main", "mine"]


def test_what_is_wrong_in_a_file_does_not_stop_the_rest(server: GitServer) -> None:
    bad = "- job: {name: a, timeout: soon}\n- job: {name: b, tpyo: 1}\n" + job("c")
    server.create(
        "p", {"zuul.d/a.yaml": "\t- job", "zuul.d/b.yaml": bad, "zuul.d/c.yaml": "- job: {name: x, name: y}\n"}
    )
    found = read(server, TenantProject("p"))
    assert loaded(found) == {"main": ["zuul.d/b.yaml:c"]}
    assert found.files is not None
    told = [(file.path, fault.line, fault.message) for file in found.files["main"] for fault in file.faults]
    assert [one[:2] for one in told] == [
        ("zuul.d/a.yaml", 1),
        ("zuul.d/b.yaml", 1),
        ("zuul.d/b.yaml", 2),
        ("zuul.d/c.yaml", 1),
    ]
    assert "not YAML" in told[0][2]
    assert told[1][2] == "job a: timeout: not a number of seconds"
    assert "'tpyo' is no key" in told[2][2]
    assert "'name' stands twice" in told[3][2]


def test_what_was_read_once_is_not_read_again(server: GitServer, tmp_path: Path) -> None:
    text = "- job: {name: a, vars: {x: !unsafe '{{ y }}', deep: {1: 2, ~: x}}, required-projects: !override [b]}\n"
    server.create("p", {"zuul.yaml": text, "other": ""})
    cold = read(server, TenantProject("p"), tmp_path / "kept")
    (entry,) = (tmp_path / "kept").iterdir()
    assert ((tmp_path / "kept").stat().st_mode & 0o777) == 0o700
    for path in server.path("p").glob("objects/*/*"):
        path.unlink()
    for path in server.path("p").glob("objects/pack/*"):
        path.unlink()
    assert read(server, TenantProject("p"), tmp_path / "kept") == cold
    assert cold.files is not None
    body = cold.files["main"][0].stanzas[0].body
    assert body["vars"] == {"x": Tagged("!unsafe", "{{ y }}"), "deep": {1: 2, None: "x"}}
    assert json.loads(entry.read_text())


@pytest.mark.parametrize(
    "damage", ["", "[", "{}", "[[1,2,3]]", '[["p",[["job","a",[],1]],[]]]', '[["p",[],[["x"]]]]', "[" * 100_000]
)
def test_a_damaged_entry_counts_as_absent(server: GitServer, tmp_path: Path, damage: str) -> None:
    server.create("p", {"zuul.yaml": job("a")})
    cold = read(server, TenantProject("p"), tmp_path / "kept")
    (entry,) = (tmp_path / "kept").iterdir()
    entry.write_text(damage)
    assert read(server, TenantProject("p"), tmp_path / "kept") == cold
    assert StanzaCache(tmp_path / "kept").get(server.tip("p"), ()) is not None


def test_a_cache_that_cannot_be_written_is_no_failure(server: GitServer, tmp_path: Path) -> None:
    server.create("p", {"zuul.yaml": job("a")})
    (tmp_path / "file").write_text("")
    assert loaded(read(server, TenantProject("p"), tmp_path / "file" / "kept")) == {"main": ["zuul.yaml:a"]}


def test_too_many_branches_are_refused_and_too_many_refs_are_not(server: GitServer) -> None:
    first = server.create("p", {"zuul.yaml": job("a")})
    packed = "".join(f"{first} refs/changes/{n:06}\n" for n in range(100_000))
    (server.path("p") / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{packed}")
    with within(3):
        assert loaded(read(server, TenantProject("p"))) == {"main": ["zuul.yaml:a"]}
    heads = "".join(f"{first} refs/heads/{n:06}\n" for n in range(1000))
    (server.path("p") / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{heads}")
    with pytest.raises(ConfigurationError, match="1001 branches that count"):
        read(server, TenantProject("p"))
    only = tenant_config.read(TenantProject("p"), server.path("p"), ["main"], Wanted("p", "main"), StanzaCache(None))
    assert only.branches == ("main",)


def test_a_file_that_is_too_large_is_told_and_not_read(server: GitServer) -> None:
    server.create("p", {"zuul.d/a.yaml": "#" * 9_000_000, "zuul.d/b.yaml": job("b")})
    found = read(server, TenantProject("p"))
    assert loaded(found) == {"main": ["zuul.d/b.yaml:b"]}
    assert found.files is not None
    assert "too large" in found.files["main"][0].faults[0].message


def test_a_repository_at_an_address_is_copied_once(server: GitServer, tmp_path: Path) -> None:
    server.create("p", {"zuul.yaml": job("a")})
    said: list[str] = []
    clones = Clones(tmp_path / "clones", said.append)
    url = f"file://{server.path('p')}"
    path = clones.get("p", url)
    assert clones.get("p", url) == path
    assert len(said) == 1
    assert repositories.heads(path).default == "main"
    with pytest.raises(InfrastructureError, match="cannot fetch p"):
        clones.get("p", f"file://{tmp_path}/none")


def test_rules_are_tried_in_order_and_what_is_nowhere_is_missing(server: GitServer, tmp_path: Path) -> None:
    server.create("a/app", {"zuul.yaml": job("a")})
    text = HEAD + (
        "tenant: {name: t, source: {g: {untrusted-projects: [a/app, a/gone, '../../etc']}}}\n"
        "repositories: [{project: a/gone, path: none}, {path: 'none/{name}'}, {path: 'server/{org}/{name}.git'}]\n"
    )
    file = plan_file.load(write(tmp_path / "f.yaml", text))
    found = tenant_config.load(file, Wanted("a/app", "main"), StanzaCache(None), lambda name, url: tmp_path)
    assert [bool(one.missing) for one in found] == [False, True, True]
