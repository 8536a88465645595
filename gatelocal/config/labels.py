"""The table of labels: the one that comes with the product, and the user's own before it; it looks at no image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import yaml

from gatelocal.config.yaml_values import NotYaml, Reading, items_of, root_of, value_of
from gatelocal.errors import ConfigurationError
from gatelocal.model.label import Cloud, Host, Labels, Meaning, Origin, Sizing

FILE = "labels.yaml"
_KEYS = ("default", "images", "labels", "sizes", "hosts", "clouds")
_OF_HOST = {
    "address": (re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*"), "a name or an address", "such as 192.0.2.7"),
    "user": (re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*"), "the name of a user", "such as zuul"),
    "host-key": (re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/]+=*"), "a public key", "as `ssh-keyscan ADDRESS` shows it"),
    "key": (re.compile(r"[^\x00-\x1f\"%]+"), "the file of a private key", "such as ~/.ssh/id_ed25519"),
}
_TEXTS_OF_CLOUD = ("provider", "cloud", "image", "flavor", "network", "key")
_OF_CLOUD = (*_TEXTS_OF_CLOUD, "label", "security-groups", "port", "most")
_PROVIDERS = ("openstack",)
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{,38}[A-Za-z0-9])?")  # nodes are called after it: a name of a host
_LARGEST = {"cpus": 1024, "memory": 1 << 24, "disk": 1 << 16}
_OTHERS = {"port": 65535, "most": 100_000}


def labels(configuration: Path | None) -> Labels:
    """The table that counts for a user.

    :param configuration: the folder of what the user has set; None: there is none.
    :raises ConfigurationError: the user's file is no such table; the message names file, line and what is wrong.
    """
    text = resources.files("gatelocal.config").joinpath(FILE).read_text(encoding="utf-8")
    shipped = read(text, Path(FILE))
    own = configuration / FILE if configuration else None
    try:
        extended = shipped.extended(read(own.read_text(encoding="utf-8"), own)) if own else shipped
    except FileNotFoundError:
        return shipped
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{own} cannot be read", details=str(error)) from error
    for name in [extended.default, *(one.image for one in extended.meanings)]:
        if name not in extended.origins:
            known = ", ".join(sorted(extended.origins))
            raise ConfigurationError(f"{own}: there is no image {name}", hint=f"images: {known}; add it under `images`")
    return extended


def read(text: str, file: Path) -> Labels:
    """One table; a relative path of an image counts from the file's folder. :raises ConfigurationError: it is none."""
    try:
        return _Table(file).labels(root_of(text))
    except NotYaml as error:
        raise ConfigurationError(f"{error.at(file)}: {error.problem}", hint=error.hint) from None


class _Table:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._reading = Reading()

    def labels(self, root: yaml.Node | None) -> Labels:
        found = dict(self._entries(root, _KEYS)) if root is not None else {}
        default, images = found.get("default"), found.get("images")
        origins = [self._origin(name, node) for name, node in self._entries(images)] if images is not None else []
        return Labels(
            self._text(default) if default is not None else "",
            {origin.name: origin for origin in origins},
            tuple(self._meaning(item) for item in self._items(found.get("labels"))),
            tuple(self._sizing(item) for item in self._items(found.get("sizes"))),
            tuple(self._host(item) for item in self._items(found.get("hosts"))),
            tuple(self._cloud(item) for item in self._items(found.get("clouds"))),
        )

    def _origin(self, name: str, node: yaml.Node) -> Origin:
        found = {key: self._text(value) for key, value in self._entries(node, ("suite", "path"))}
        if not found:
            raise NotYaml(_line(node), f"the image {name} has neither suite nor path")
        if not _NAME.fullmatch(name):
            raise NotYaml(_line(node), f"{name!r} is no name for an image", "40 letters, digits, - and . will do")
        suite = found.get("suite", "")
        if suite and not (suite.isalnum() and suite.islower()):
            raise NotYaml(_line(node), f"{suite!r} is no release's code name", "such as bookworm")
        path = found.get("path", "")
        return Origin(name, suite, str(self._file.absolute().parent / Path(path).expanduser()) if path else "")

    def _meaning(self, node: yaml.Node) -> Meaning:
        found = dict(self._entries(node, ("label", "image", "stand-in")))
        images = [key for key in ("image", "stand-in") if key in found]
        if "label" not in found or len(images) != 1:
            raise NotYaml(_line(node), "it takes `label`, and either `image` or `stand-in`")
        return Meaning(self._patterns(found["label"]), self._text(found[images[0]]), images[0] == "stand-in")

    def _sizing(self, node: yaml.Node) -> Sizing:
        found = dict(self._entries(node, ("label", *_LARGEST)))
        if "label" not in found:
            raise NotYaml(_line(node), "it has no `label`")
        numbers = {key: self._number(key, value) for key, value in found.items() if key != "label"}
        return Sizing(self._patterns(found["label"]), **numbers)

    def _host(self, node: yaml.Node) -> Host:
        found = dict(self._entries(node, (*_OF_HOST, "label", "port", "wipe")))
        if lacks := [key for key in ("address", "label", "host-key") if key not in found]:
            raise NotYaml(_line(node), f"the host has no `{lacks[0]}`", "it takes `address`, `label` and `host-key`")
        texts = {key: self._text(value) for key, value in found.items() if key in _OF_HOST}
        for key, text in texts.items():
            form, what, hint = _OF_HOST[key]
            if not form.fullmatch(text):
                raise NotYaml(_line(found[key]), f"{text!r} is not {what}", hint)
        key = texts.get("key", "")
        wipe = [self._text(word) for word in self._items(found.get("wipe"))]
        return Host(
            texts["address"],
            self._patterns(found["label"]),
            texts["host-key"],
            texts.get("user", "zuul"),
            self._number("port", found["port"]) if "port" in found else 22,
            str(self._file.absolute().parent / Path(key).expanduser()) if key else "",
            tuple(wipe),
        )

    def _cloud(self, node: yaml.Node) -> Cloud:
        found = dict(self._entries(node, _OF_CLOUD))
        if lacks := [key for key in ("cloud", "label", "image", "flavor") if key not in found]:
            raise NotYaml(_line(node), f"the cloud has no `{lacks[0]}`", "it takes `cloud`, `label`, `image`, `flavor`")
        texts = {key: self._text(value) for key, value in found.items() if key in _TEXTS_OF_CLOUD}
        if (provider := texts.get("provider", _PROVIDERS[0])) not in _PROVIDERS:
            raise NotYaml(_line(found["provider"]), f"there is no provider {provider!r}", f"it is {_PROVIDERS[0]}")
        return Cloud(
            self._patterns(found["label"]),
            texts["cloud"],
            texts["image"],
            texts["flavor"],
            texts.get("network", ""),
            texts.get("key", ""),
            tuple(self._text(group) for group in self._items(found.get("security-groups"))),
            self._number("port", found["port"]) if "port" in found else 22,
            self._number("most", found["most"]) if "most" in found else 0,
        )

    def _number(self, key: str, node: yaml.Node) -> int:
        value, most = value_of(node, self._reading), {**_LARGEST, **_OTHERS}[key]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
            unit = {"memory": " of mebibytes", "disk": " of gibibytes"}.get(key, "")
            raise NotYaml(_line(node), f"{key} is a whole number{unit}, from 1 to {most}")
        return value

    def _patterns(self, node: yaml.Node) -> tuple[str, ...]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return tuple(self._text(each) for each in nodes)

    def _text(self, node: yaml.Node) -> str:
        value = value_of(node, self._reading)
        if not isinstance(value, str) or not value:
            raise NotYaml(_line(node), "a text is expected here", "quote it, if it is meant to be one")
        return value

    def _items(self, node: yaml.Node | None) -> Iterator[yaml.Node]:
        if node is not None and not isinstance(node, yaml.SequenceNode):
            raise NotYaml(_line(node), "a list is expected here", "each of its lines begins with `- label:`")
        yield from items_of(node) if node is not None else ()

    def _entries(self, node: yaml.Node, keys: tuple[str, ...] = ()) -> list[tuple[str, yaml.Node]]:
        """The entries of a mapping, whose keys are texts. :param keys: those that there may be; empty: any."""
        if not isinstance(node, yaml.MappingNode):
            raise NotYaml(_line(node), "a mapping is expected here")
        value_of(node, self._reading)  # refuses a key that stands twice
        found = [(self._text(key), value) for key, value in node.value]
        for name, value in found:
            if keys and name not in keys:
                raise NotYaml(_line(value), f"{name!r} is not known here", f"known are: {', '.join(keys)}")
        return found


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
