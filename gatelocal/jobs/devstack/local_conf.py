"""The text of ``local.conf`` out of a job's variables, in the order that devstack's own writer gives; nothing is read.

Source of the rules: devstack's role `write-devstack-local-conf`. Where that stops with a program's error (a circle of
variables, a plugin that is required and not asked for), this refuses with words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gatelocal.errors import ConfigurationError

_VARIABLE = re.compile(r"\$\{?(\w+)")
_DEFINED = re.compile(r"^define_plugin\s+(\S+)", re.MULTILINE)
_REQUIRED = re.compile(r"^plugin_requires\s+(\S+)\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the file is made of.

    :ivar services: name → whether it is enabled; other values than truth are passed over, as ``base`` is.
    :ivar base_services: enabled beside them, unless ``base`` is false in `services`.
    :ivar local_conf: phase → file → section → key → value.
    :ivar plugins: name → address; an empty address enables nothing.
    :ivar requires: plugin → the plugins that its own settings require.
    :ivar libraries: names of repositories that are installed from source where `localrc` says nothing of that.
    :ivar tempest_plugins: paths.
    """

    services: Mapping[str, object] = field(default_factory=dict)
    base_services: Sequence[str] = ()
    localrc: Mapping[str, object] = field(default_factory=dict)
    local_conf: Mapping[str, object] = field(default_factory=dict)
    plugins: Mapping[str, object] = field(default_factory=dict)
    requires: Mapping[str, frozenset[str]] = field(default_factory=dict)
    libraries: Sequence[str] = ()
    tempest_plugins: Sequence[str] = ()


def text(asked: Asked) -> str:
    """The file. :raises ConfigurationError: there is no order in which it could be written, or a section is none."""
    lines = [
        *_services(asked),
        *_localrc(asked),
        *(f"enable_plugin {name} {asked.plugins[name]}" for name in _ordered_plugins(asked) if asked.plugins[name]),
    ]
    head = "".join(("[[local|localrc]]\n", "\n".join(lines), "\n\n"))
    return head + "".join(_sections(asked.local_conf))


def enabled(asked: Asked) -> frozenset[str]:
    """The services that are enabled in the end, as far as the job says so itself."""
    base = asked.base_services if _takes_base(asked) else ()
    named = {name for name, value in asked.services.items() if value is True and name != "base"}
    return frozenset({*base, *named} - {name for name, value in asked.services.items() if value is False})


def requirements(settings: Iterable[str]) -> dict[str, frozenset[str]]:
    """Plugin → what it requires. :param settings: the texts of plugins' ``devstack/settings``."""
    found: dict[str, frozenset[str]] = {}
    for one in settings:
        names = _DEFINED.findall(one)
        if names:
            wanted = frozenset(needed for name, needed in _REQUIRED.findall(one) if name == names[-1])
            if wanted:
                found[names[-1]] = wanted
    return found


def _takes_base(asked: Asked) -> bool:
    return bool(asked.services.get("base", True) and asked.base_services)


def _services(asked: Asked) -> list[str]:
    if not (asked.services or asked.base_services):
        return []
    first = f"ENABLED_SERVICES={','.join(asked.base_services)}" if _takes_base(asked) else "disable_all_services"
    words = {True: "enable_service", False: "disable_service"}
    others = ((name, value) for name, value in asked.services.items() if name != "base" and isinstance(value, bool))
    return [first, *(f"{words[value]} {name}" for name, value in others)]


def _localrc(asked: Asked) -> list[str]:
    values = {name: str(value) for name, value in asked.localrc.items()}
    uses = {name: [one for one in _VARIABLE.findall(value) if one != name] for name, value in values.items()}
    order = _ordered(
        values, {name: [one for one in found if one in values] for name, found in uses.items()}, "variable"
    )
    lines = [f"{name}={values[name]}" if values[name].startswith('"') else f'{name}="{values[name]}"' for name in order]
    if "LIBS_FROM_GIT" not in values and asked.libraries:
        lines.append(f"LIBS_FROM_GIT={','.join(dict.fromkeys(asked.libraries))}")
    if "TEMPEST_PLUGINS" not in values and asked.tempest_plugins:
        lines.append(f'TEMPEST_PLUGINS="{" ".join(asked.tempest_plugins)}"')
    return lines


def _ordered_plugins(asked: Asked) -> list[str]:
    order = _ordered(asked.plugins, {name: sorted(asked.requires.get(name, ())) for name in asked.plugins}, "plugin")
    for name in order:
        if name not in asked.plugins:
            wanting = next(one for one in sorted(asked.plugins) if name in asked.requires.get(one, ()))
            raise ConfigurationError(
                f"the plugin {wanting} requires the plugin {name}, which the job does not name",
                hint="add it to devstack_plugins, and its repository to required-projects",
            )
    return order


def _ordered(names: Iterable[str], needs: Mapping[str, Sequence[str]], what: str) -> list[str]:
    """The names by alphabet, each after all that it needs."""
    order: list[str] = []
    under_way: list[str] = []

    def put(name: str) -> None:
        if name in under_way:
            circle = " -> ".join((*under_way[under_way.index(name) :], name))
            raise ConfigurationError(f"there is no order for the {what}s of local.conf: {circle}")
        if name not in order:
            under_way.append(name)
            for one in needs.get(name, ()):
                put(one)
            under_way.pop()
            order.append(name)

    for name in sorted(names):
        put(name)
    return order


def _sections(phases: Mapping[str, object]) -> Iterable[str]:
    for phase, files in phases.items():
        for name, sections in _mapping(phase, files).items():
            yield f"[[{phase}|{name}]]\n"
            lines = []
            for section, values in _mapping(f"{phase}.{name}", sections).items():
                pairs = _mapping(f"{phase}.{name}.{section}", values)
                lines += [f"[{section}]", *(f"{key} = {value}" for key, value in pairs.items()), ""]
            yield "\n".join(lines)


def _mapping(where: str, value: object) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    raise ConfigurationError(f"devstack_local_conf: {where} is no mapping")
