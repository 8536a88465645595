"""Reads what every playbook needs of Ansible, so that it is there when one comes; it runs none."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.plugins import loader
from ansible.utils.collection_loader import _collection_finder as finder

_MODULES = (
    "executor.module_common executor.play_iterator executor.playbook_executor executor.process.worker executor.stats"
    " executor.task_executor executor.task_queue_manager executor.task_result inventory.manager parsing.dataloader"
    " playbook.handler playbook.role_include playbook.task_include template template.native_helpers utils.jsonrpc"
    " vars.hostvars vars.manager vars.plugins module_utils.basic module_utils.connection"
).split()
_PLUGINS = {
    "action": "assert command copy debug fail fetch file gather_facts include_vars normal set_fact shell template"
    " zuul_console zuul_return synchronize",
    "become": "sudo su",
    "cache": "jsonfile memory",
    "callback": "gatelocal",
    "connection": "gatelocal gatelocal_refused",
    "inventory": "yaml",
    "lookup": "dict env file first_found fileglob indexed_items items list nested pipe template together varnames",
    "shell": "sh",
    "strategy": "linear free",
}


def read() -> None:
    """Read it."""
    for name in _MODULES:
        importlib.import_module(f"ansible.{name}")
    warnings.simplefilter("ignore")
    loader.init_plugin_loader()
    theirs = finder._meta_yml_to_dict
    finder._meta_yml_to_dict = lambda text, name: _table(theirs, text, name)
    importlib.import_module("ansible_collections.ansible.builtin")
    finder._meta_yml_to_dict = theirs
    for kind, names in _PLUGINS.items():
        one = getattr(loader, f"{kind}_loader")
        for name in names.split():
            one.get(name, class_only=True)
    for one in (loader.filter_loader, loader.test_loader):
        list(one.all())
    list(loader.callback_loader.all(class_only=True))


def _table(theirs: Callable[[Any, Any], dict[str, object]], text: bytes | str, name: object) -> dict[str, object]:
    """Ansible's own table of names, which takes long to read as YAML: kept as JSON, under the digest of its text."""
    digest = hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]
    path = Path(os.environ["BUILD_KEPT"]) / f"ansible-names-{digest}.json"
    with contextlib.suppress(OSError, ValueError):
        kept: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    found = theirs(text, name)
    with contextlib.suppress(OSError, TypeError):
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(found), encoding="utf-8")
        fresh.replace(path)
    return found
