"""The templates in a devstack job's variables, as far as they are understood without Ansible; the rest is refused.

Understood are the job's own variables, ``default`` with one literal, and what the shared jobs ask of a node: its
address, the size of its packets, and how many nodes a group has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatelocal.errors import ConfigurationError
from gatelocal.model.stanza import Tagged

OVERHEAD = 70
"""Bytes that a tunnel takes of each packet: 30 for VXLAN, 40 for IPv6."""

_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_WITH_DEFAULT = re.compile(r"(\w+)\s*\|\s*default\((.*)\)", re.DOTALL)
_ADDRESS = re.compile(
    r"""hostvars\[(?:'controller'|"controller"|inventory_hostname)\]"""
    r"""\[['"]nodepool['"]\]\[['"](?:private|public)_ipv4['"]\]"""
)
_GROUP = re.compile(r"""groups\[['"]\w+['"]\]\s*\|\s*default\(\['controller'\]\)\s*\|\s*length""")
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Facts:
    """What a node says of itself. :ivar address: IPv4. :ivar mtu: bytes of a packet. :ivar cores: processors."""

    address: str = "127.0.0.1"
    mtu: int = 1500
    cores: int = 2


@dataclass(frozen=True, slots=True)
class Templates:
    """A job's variables and what is known besides, by which templates are resolved.

    :ivar where: the job, for errors. :ivar known: names that mean a text here, such as ``devstack_base_dir``.
    """

    where: str
    variables: Mapping[str, object]
    known: Mapping[str, str]
    facts: Facts

    def resolved(self, name: str, value: object) -> object:
        """The value with all templates in it resolved; what is no text stays as it is.

        :raises ConfigurationError: a template that is not understood, or an encrypted value.
        """
        if isinstance(value, Tagged):
            if value.tag == "!unsafe":
                return value.value
            raise ConfigurationError(f"{self.where}: {name} is encrypted")
        if isinstance(value, Mapping):
            return {self._text(name, str(key)): self.resolved(f"{name}.{key}", each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.resolved(name, each) for each in value]
        return self._text(name, value) if isinstance(value, str) else value

    def _text(self, name: str, text: str, depth: int = 0) -> str:
        if depth > _DEEPEST:
            raise ConfigurationError(f"{self.where}: {name} refers to itself")
        found = _EXPRESSION.sub(lambda match: self._value(name, match[1], depth), text)
        if "{%" in found or "{{" in found:
            raise self._strange(name, text)
        return found

    def _value(self, name: str, expression: str, depth: int) -> str:
        if _ADDRESS.fullmatch(expression):
            return self.facts.address
        if _GROUP.fullmatch(expression):
            return "1"
        wanted, usual = expression, None
        if match := _WITH_DEFAULT.fullmatch(expression):
            wanted, usual = match[1], self._literal(name, match[2])
        if wanted == "external_bridge_mtu":
            return str(self.facts.mtu - OVERHEAD)
        if wanted in self.known:
            return self.known[wanted]
        value = self.variables.get(wanted, usual)
        if value is None or isinstance(value, (Mapping, list, tuple, Tagged)):
            raise self._strange(name, f"{{{{ {expression} }}}}")
        return self._text(name, str(value), depth + 1)

    def _literal(self, name: str, text: str) -> str:
        try:
            return str(ast.literal_eval(text.strip()))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise self._strange(name, text) from None

    def _strange(self, name: str, text: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.where}: the variable {name} has a template that is not understood here: {text}"[:500],
            hint="write the value out, or give the gate the repositories of the job's playbooks (--config)",
        )
