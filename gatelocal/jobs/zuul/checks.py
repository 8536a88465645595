"""What Zuul 14 takes as the value of each key of its language, as tables of checks; it knows no stanza and no file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from gatelocal.model.pattern import pattern_problem
from gatelocal.model.stanza import Tagged

Check = Callable[[object], str]
"""Says what is wrong with a value; nothing when it is right."""


_NAME_OF_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_RESERVED = frozenset("zuul zuul_node nodepool unsafe_vars zuul_user_dir".split())
_RESERVED_IN_JOBS = _RESERVED | frozenset(
    "ansible_connection ansible_host ansible_python_interpreter ansible_shell_executable ansible_user".split()
)


ANSIBLE_VERSIONS = ("9", "11")
"""Those that Zuul 14.3 runs jobs with."""
OIDC_ALGORITHMS = ("RS256",)
"""With which Zuul signs tokens, unless its operator says otherwise."""


def listed(value: object) -> list[object]:
    """A list for Zuul's "one or many": nothing, one value or a list; a tag such as ``!override`` is looked through."""
    if isinstance(value, Tagged):
        value = value.value
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list) else [value]


def names(value: object) -> tuple[str, ...]:
    """The names in a list of names, each bare or as the ``name`` of a mapping."""
    return tuple(str(item["name"] if isinstance(item, Mapping) else item) for item in listed(value))


def with_names(value: object) -> Sequence[Mapping[str, object]]:
    """The items of such a list, all as mappings."""
    return [item if isinstance(item, Mapping) else {"name": item} for item in listed(value)]


def keys_wrong(body: Mapping[str, object], known: Mapping[str, Check], before: str) -> Iterator[str]:
    """What is wrong with the keys of a mapping and with their values, each one sentence that begins with `before`."""
    for key, value in body.items():
        check = known.get(key)
        if check is None:
            yield f"{before}{key!r} is no key that Zuul knows here"[:300]
        elif problem := check(value):
            yield f"{before}{key}: {problem}"


def _text(value: object) -> str:
    if isinstance(value, Tagged):
        return f"{value.tag} has no meaning here"
    return "" if isinstance(value, str) else f"{value!r} is not a name"[:300]


def _text_or_none(value: object) -> str:
    return "" if value is None else _text(value)


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "neither true nor false"


def _true(value: object) -> str:
    return _flag(value) or ("" if value else "it cannot be taken back: only `true` can be said")


def _whole(value: object) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) else "not a whole number"


def _seconds(value: object) -> str:
    return "" if not _whole(value) else "not a number of seconds"


def _version(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "not a version"
    told = " and ".join(ANSIBLE_VERSIONS)
    return "" if str(value) in ANSIBLE_VERSIONS else f"{value!r} is none of the versions that Zuul has: {told}"[:300]


def _anything(_: object) -> str:
    return ""


def _one_of(*words: object) -> Check:
    told = ", ".join(str(word) for word in words)

    def check(value: object) -> str:
        return (
            "" if any(value is word or (isinstance(word, str) and value == word) for word in words) else f"not {told}"
        )

    return check


def _many(check_one: Check) -> Check:
    """One value or a list of them."""

    def check(value: object) -> str:
        items = value if isinstance(value, list) else [value]
        return next((problem for item in items if (problem := check_one(item))), "")

    return check


def _tagged(check: Check) -> Check:
    """With ``!override`` or ``!inherit`` before it, or without."""

    def check_within(value: object) -> str:
        return check(value.value if isinstance(value, Tagged) else value)

    return check_within


def _mapping(known: Mapping[str, Check], *required: str) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, Mapping):
            return f"{value!r} is not a mapping"[:300]
        missing = [key for key in required if key not in value]
        if missing:
            return f"it has no {missing[0]}"
        return next(keys_wrong(value, known, ""), "")

    return check


def _either(*checks: Check) -> Check:
    def check(value: object) -> str:
        said = [one(value) for one in checks]
        return "" if "" in said else said[-1] if isinstance(value, Mapping) else said[0]

    return check


def _pattern(value: object) -> str:
    return pattern_problem(value)


def _line_pattern(value: object) -> str:
    return _text(value) or pattern_problem(value)


def name_of_secret(name: str) -> str:
    """What is wrong with a name that a secret goes by in a job, where it becomes a variable."""
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        return f"{name!r} is no name that a variable can have"[:300]
    return f"a variable cannot be named {name!r}" if name in _RESERVED_IN_JOBS else ""


def _name_of_variable(name: object, reserved: frozenset[str]) -> str:
    if not isinstance(name, str) or not _NAME_OF_VARIABLE.fullmatch(name):
        return f"{name!r} is no name that a variable can have"[:300]
    return f"a variable cannot be named {name!r}" if name in reserved else ""


def _variables(reserved: frozenset[str]) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, Mapping):
            return "not a mapping"
        return next((problem for name in value if (problem := _name_of_variable(name, reserved))), "")

    return check


def _variables_of_each(value: object) -> str:
    if not isinstance(value, Mapping):
        return "not a mapping"
    check = _variables(_RESERVED_IN_JOBS)
    return next((f"{name}: {problem}" for name, inner in value.items() if (problem := _text(name) or check(inner))), "")


def _chosen_project(value: object) -> str:
    """A project to include or exclude: by its name, or what the change or the item brings."""
    if isinstance(value, str):
        return ""
    by_name = isinstance(value, Mapping) and value.get("type") == "name"
    return (_PROJECT_BY_NAME if by_name else _PROJECT_BY_TYPE)(value)


def _included_variables(value: object) -> str:
    """A file of variables, in a named project or in the change's own."""
    if isinstance(value, Mapping) and "project" in value and value.keys() & {"zuul-project", "use-ref"}:
        return "project is for another project's file, zuul-project and use-ref are for one of the change's own"
    return _VARIABLES_FILE(value)


def _roles(value: object) -> str:
    """Zuul's schema takes a single mapping too, and then stumbles over a role of its own."""
    return "not a list" if isinstance(value, Mapping) and "zuul" in value else _many(_ROLE)(value)


def _home_paths(value: object) -> str:
    """Zuul refuses those that its own Ansible would follow."""
    kept = [path for path in listed(value) if path in (".ssh/config", ".kube/config")]
    return _TEXTS(value) or (f"{kept[0]} may not be kept" if kept else "")


def _list_of_texts(value: object) -> str:
    return _TEXTS(value) if isinstance(value, list) else "not a list"


def _a_mapping(value: object) -> str:
    return "" if isinstance(value, Mapping) else f"{value!r} is not a mapping"[:300]


def _oidc(value: object) -> str:
    if value is None:
        return ""
    problem = _mapping({"algorithm": _text, "ttl": _whole, "iss": _text, "claims": _a_mapping})(value)
    algorithm = value.get("algorithm") if isinstance(value, Mapping) else None
    if problem or not algorithm or algorithm in OIDC_ALGORITHMS:
        return problem
    return f"algorithm: {algorithm!r} is none of {', '.join(OIDC_ALGORITHMS)}"[:300]


_TEXTS = _many(_text)
_SEMAPHORE = _either(_text, _mapping({"name": _text, "resources-first": _flag}, "name"))
_PLAYBOOK = _many(_either(_text, _mapping({"name": _text, "semaphores": _TEXTS}, "name")))
_POST_PLAYBOOK = _many(_either(_text, _mapping({"name": _text, "semaphores": _TEXTS, "cleanup": _flag}, "name")))
_PROJECT_OF_JOB = _either(
    _text, _mapping({"name": _text, "override-branch": _text, "override-checkout": _text}, "name")
)
_PROJECT_BY_NAME = _mapping({"type": _text, "name": _text}, "name")
_PROJECT_BY_TYPE = _mapping({"type": _one_of("name", "change", "item")}, "type")
_VARIABLES_FILE = _either(
    _text,
    _mapping(
        {"name": _text, "project": _text, "required": _flag, "zuul-project": _flag, "use-ref": _flag},
        "name",
    ),
)
_SECRET_USE = _either(_text, _mapping({"name": _text, "secret": _text, "pass-to-parent": _flag}, "name", "secret"))
_ROLE = _either(_mapping({"zuul": _text, "name": _text}, "zuul"), _mapping({"galaxy": _text, "name": _text}, "galaxy"))
_NODE = _mapping({"name": _TEXTS, "label": _text}, "name", "label")
_GROUP = _mapping({"name": _text, "nodes": _TEXTS}, "name", "nodes")
_REAL_NODESET: Mapping[str, Check] = {"nodes": _many(_NODE), "groups": _many(_GROUP)}


def nodeset(value: object) -> str:
    """What is wrong with a nodeset: a name, machines, or alternatives of either."""
    if isinstance(value, str):
        return ""
    if not isinstance(value, Mapping):
        return "not a name, and not a mapping with a list of nodes"
    if "alternatives" in value:
        choices = value["alternatives"]
        if not isinstance(choices, list):
            return "alternatives: not a list"
        if len(value) > 1:
            return "it has either alternatives or nodes"
        inner = _either(_text, _machines)
        return next((problem for choice in choices if (problem := inner(choice))), "")
    return _machines(value)


def _machines(value: object) -> str:
    if not isinstance(value, Mapping):
        return "not a name, and not a mapping with a list of nodes"
    if problem := _mapping(_REAL_NODESET, "nodes")(value):
        return problem
    names = [name for node in listed(value["nodes"]) if isinstance(node, Mapping) for name in listed(node["name"])]
    groups = [group for group in listed(value.get("groups")) if isinstance(group, Mapping)]
    labels = [group["name"] for group in groups]
    if "localhost" in chain(names, labels):
        return "a node or a group cannot be named localhost"
    if len(set(map(str, names))) < len(names) or len(set(map(str, labels))) < len(labels):
        return "two nodes or two groups have the same name"
    strange = [name for group in groups for name in listed(group["nodes"]) if name not in names]
    return f"a group has the node {strange[0]!r}, which the nodeset does not have"[:300] if strange else ""


def _control(value: object) -> str:
    if not isinstance(value, Mapping):
        return "not a mapping"
    if strange := [key for key in value if key not in _CONTROLLED]:
        return f"{strange[0]!r} is no attribute that can be made final alone"[:300]
    return next((f"{key}: not `final: true`" for key, inner in value.items() if inner not in ({"final": True}, {})), "")


_CONTROLLED = frozenset(
    (
        "requires provides tags files irrelevant-files required-projects include-projects exclude-projects vars"
        " extra-vars host-vars group-vars include-vars dependencies failure-output type pre-run run post-run voting"
    ).split()
)
ENTRY: Mapping[str, Check] = {
    "parent": _text_or_none,
    **dict.fromkeys(
        (
            "final abstract protected intermediate hold-following-changes voting match-on-config-updates"
            " ansible-split-streams"
        ).split(),
        _flag,
    ),
    **dict.fromkeys(
        (
            "failure-message success-message failure-url success-url override-branch override-checkout description"
            " variant-description image-build-name"
        ).split(),
        _text,
    ),
    **dict.fromkeys("requires provides tags".split(), _tagged(_many(_text))),
    **dict.fromkeys("pre-timeout timeout post-timeout".split(), _seconds),
    **dict.fromkeys("files irrelevant-files".split(), _tagged(_many(_pattern))),
    **dict.fromkeys("vars extra-vars".split(), _tagged(_variables(_RESERVED_IN_JOBS))),
    **dict.fromkeys("host-vars group-vars".split(), _tagged(_variables_of_each)),
    **dict.fromkeys("pre-run run cleanup-run".split(), _PLAYBOOK),
    **dict.fromkeys("include-projects exclude-projects".split(), _tagged(_many(_chosen_project))),
    "post-review": _true,
    "failure-output": _tagged(_many(_line_pattern)),
    "attempts": _whole,
    "post-run": _POST_PLAYBOOK,
    "semaphore": _SEMAPHORE,
    "semaphores": _many(_SEMAPHORE),
    "branches": _many(_pattern),
    "secrets": _many(_SECRET_USE),
    "nodeset": nodeset,
    "ansible-version": _version,
    "roles": _roles,
    "required-projects": _tagged(_many(_PROJECT_OF_JOB)),
    "include-vars": _tagged(_many(_included_variables)),
    "dependencies": _tagged(_many(_either(_text, _mapping({"name": _text, "soft": _flag}, "name")))),
    "allowed-projects": _TEXTS,
    "workspace-scheme": _one_of("golang", "flat", "unique"),
    "workspace-checkout": _one_of(True, False, "auto"),
    "deduplicate": _one_of(True, False, "auto"),
    "type": _one_of("regular", "initializer", "reporter"),
    "preserve-home-paths": _home_paths,
    "secret-exposure": _one_of("ignore", "redact", "fail"),
    "attribute-control": _control,
}
JOB: Mapping[str, Check] = {"name": _text, **ENTRY}
PIPELINE_OF_PROJECT: Mapping[str, Check] = {
    "debug": _flag,
    "fail-fast": _flag,
    "jobs": _anything,
    "parameters": _many(_mapping(dict.fromkeys("name type description values default required".split(), _anything))),
}
TEMPLATE: Mapping[str, Check] = {
    "name": _text,
    "description": _text,
    "queue": _text,
    "vars": _variables(_RESERVED),
}
PROJECT: Mapping[str, Check] = {
    **TEMPLATE,
    "branches": _many(_pattern),
    "templates": _list_of_texts,
    "merge-mode": _one_of("merge", "merge-resolve", "cherry-pick", "squash-merge", "rebase", "rebase-first-parent"),
    "default-branch": _text,
}
STANZAS: Mapping[str, Mapping[str, Check]] = {
    "nodeset": {
        "name": _text,
        "nodes": _anything,
        "groups": _anything,
        "alternatives": _anything,
    },
    "semaphore": {"name": _text, "max": _whole},
    "queue": {
        "name": _text,
        "per-branch": _flag,
        "allow-circular-dependencies": _flag,
        "dependencies-by-topic": _flag,
        "type": _one_of("all-branches", "per-branch", "branch-assigned"),
    },
    "secret": {"name": _text, "data": _a_mapping, "oidc": _oidc},
    "pragma": {"implied-branch-matchers": _flag, "implied-branches": _many(_pattern)},
}


def _at_least(least: int) -> Check:
    def check(value: object) -> str:
        return _whole(value) or ("" if isinstance(value, int) and value >= least else f"less than {least}")

    return check


def _by_connection(value: object) -> str:
    """What is said for each connection; what a connection's driver takes is known to those who carry it out."""
    if not isinstance(value, Mapping):
        return "not a mapping of connections"
    return next((f"{name!r} is no name" for name in value if not isinstance(name, str)), "")


_CHANGE_OF_WINDOW = _one_of("linear", "exponential")
PIPELINE: Mapping[str, Check] = {
    "name": _text,
    "manager": _one_of("independent", "dependent", "serial", "supercedent"),
    "precedence": _one_of("normal", "low", "high"),
    "supercedes": _TEXTS,
    **dict.fromkeys(
        (
            "description success-message failure-message start-message merge-conflict-message enqueue-message"
            " no-jobs-message footer-message dequeue-message"
        ).split(),
        _text,
    ),
    **dict.fromkeys(
        ("allow-other-connections allow-parameters dequeue-on-new-patchset ignore-dependencies post-review").split(),
        _flag,
    ),
    "disable-after-consecutive-failures": _at_least(1),
    "window": _at_least(0),
    "window-floor": _at_least(1),
    "window-ceiling": lambda value: "" if value is None else _at_least(1)(value),
    "window-increase-type": _CHANGE_OF_WINDOW,
    "window-increase-factor": _at_least(1),
    "window-decrease-type": _CHANGE_OF_WINDOW,
    "window-decrease-factor": _at_least(1),
    **dict.fromkeys(
        (
            "trigger require reject enqueue start success failure merge-conflict no-jobs disabled dequeue config-error"
        ).split(),
        _by_connection,
    ),
}
REPORTS = tuple("enqueue start success failure merge-conflict no-jobs disabled dequeue config-error".split())
"""The keys of a pipeline that say to whom what is reported."""
