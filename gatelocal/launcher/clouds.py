"""The one door to a cloud: what is asked of it, by openstacksdk, and each way in which that fails, as a sentence.

Where a cloud is and what it is let in with stands in the user's ``clouds.yaml``, which that library reads; none of it
is kept here. The library would read one of the current folder as well, which may be a stranger's tree and could have
the user's password sent anywhere: that one is not read.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import place
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.model import label
from gatelocal.model.text import visible

if TYPE_CHECKING:
    from openstack.compute.v2.flavor import Flavor
    from openstack.config import OpenStackConfig
    from openstack.connection import Connection

T = TypeVar("T")

GATE, NODE = "gatelocal-gate", "gatelocal-node"
"""The metadata that each server of ours carries: which gate made it, and for which node of that gate's."""

_SECONDS = 30  # for one answer, unless clouds.yaml says otherwise
_LATE = 15.0  # seconds in which a server appears of which it is unknown whether it is being made
_NOT_ASKED = (NodeState.REQUESTED, NodeState.FAILED)
_EXTRA = "pip install 'gatelocal[openstack]'"


class Unanswered(InfrastructureError):
    """The cloud gave no answer of its own: what was asked for may have been done, and may work in a while."""


class Full(InfrastructureError):
    """There is no room in the project's quota."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a cloud says of a server of ours.

    :ivar node: the name of the node that it is. :ivar status: in the cloud's words, such as ``ACTIVE``.
    :ivar addresses: network → what it has there: ``addr``, ``version``, ``OS-EXT-IPS:type``.
    :ivar leaving: whether it is being deleted. :ivar fault: why it came to nothing, in the cloud's words.
    """

    id: str
    node: str
    status: str
    addresses: Mapping[str, Sequence[Mapping[str, object]]]
    leaving: bool = False
    fault: str = ""


@contextlib.contextmanager
def connect(name: str) -> Iterator[Client]:
    """For the block, a cloud of the user's ``clouds.yaml``; it is asked for nothing yet.

    :raises InfrastructureError: there is no such cloud, or no library to reach it with.
    """
    try:
        from openstack.connection import Connection
    except ImportError as error:
        raise InfrastructureError(f"the cloud {name} cannot be used: openstacksdk is missing", hint=_EXTRA) from error
    for library in map(logging.getLogger, ("keystoneauth", "openstack")):
        if not library.handlers:  # or Python writes its warnings to a person's terminal as they are
            library.addHandler(logging.NullHandler())
    with _told(name, "reading what clouds.yaml says of it"):
        connection = Connection(config=_configuration().get_one(cloud=name), app_name="gatelocal")
    try:
        yield Client(name, connection)
    finally:
        connection.close()


def _configuration() -> OpenStackConfig:
    from openstack.config import OpenStackConfig, loader

    def files(name: str) -> list[str]:
        suffixes = (*loader.YAML_SUFFIXES, *loader.JSON_SUFFIXES)
        _, *folders = loader.CONFIG_SEARCH_PATH  # the first is the current one
        return [str(Path(folder, name + suffix)) for folder in folders for suffix in suffixes]

    return OpenStackConfig(
        config_files=files("clouds"),
        secure_files=files("secure"),
        vendor_files=files("clouds-public"),
        override_defaults={"api_timeout": _SECONDS},
    )


class Client:
    """One cloud. Every method raises :class:`Unanswered`, or another InfrastructureError when it is refused."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self._connection = connection

    def create(self, line: label.Cloud, record: place.Record, user_data: str) -> str:
        """Have a server made for the node; its id.

        :raises Full: the quota is used up.
        """
        image, flavor = self._image(line.image), self._flavor(line.flavor).id
        network = [{"uuid": self._network(line.network)}] if line.network else "auto"
        wanted = {
            "name": f"gatelocal-{record.name}",
            "image_id": image,
            "flavor_id": flavor,
            "networks": network,
            "metadata": {GATE: record.gate, NODE: record.name},
            "user_data": base64.b64encode(user_data.encode()).decode(),
        }
        if line.key:
            wanted["key_name"] = line.key
        if line.groups:
            wanted["security_groups"] = [{"name": group} for group in line.groups]
        with _told(self.name, f"making a server of the image {line.image}"):
            return str(self._connection.compute.create_server(**wanted).id)

    def server(self, server: str) -> Server | None:
        """The server of that id; None: there is none any more."""
        from openstack import exceptions

        with _told(self.name, f"looking at the server {server}"):
            try:
                return _server(self._connection.compute.get_server(server))
            except exceptions.NotFoundException:
                return None

    def servers(self, gate: str) -> tuple[Server, ...]:
        """All servers that this gate has made, those that are being deleted included."""
        with _told(self.name, "listing its servers"):
            found = list(self._connection.compute.servers())
        return tuple(_server(one) for one in found if gate and (one.metadata or {}).get(GATE) == gate)

    def delete(self, server: str) -> None:
        """Have a server deleted; one that is gone already is no failure."""
        with _told(self.name, f"deleting the server {server}"):
            self._connection.compute.delete_server(server)

    def console(self, server: str) -> str:
        """The last lines on a server's console; nothing where the cloud tells none."""
        with contextlib.suppress(InfrastructureError), _told(self.name, "reading a console"):
            return str(self._connection.compute.get_server_console_output(server, length=20).get("output") or "")
        return ""

    def lacks(self, wanted: Sequence[label.Cloud], asked: int) -> str:
        """What the project's quota lacks for these servers; nothing: there is room.

        :param asked: how many have been asked for that it does not count yet.
        """
        with _told(self.name, "reading the project's quota"):
            limits = self._connection.compute.get_limits().absolute
        flavors = [self._flavor(line.flavor) for line in wanted]
        for what, most, used, more in (
            ("servers", limits.instances, limits.instances_used, len(wanted) + asked),
            ("processors", limits.total_cores, limits.total_cores_used, sum(one.vcpus or 0 for one in flavors)),
            ("MiB of memory", limits.total_ram, limits.total_ram_used, sum(one.ram or 0 for one in flavors)),
        ):
            if most is not None and most >= 0 and (used or 0) + more > most:
                return f"{used} of {most} {what} are used, and {more} wanted"
        return ""

    def _image(self, name: str) -> str:
        return str(self._found("image", name, lambda: self._connection.image.find_image(name, False)).id)

    def _network(self, name: str) -> str:
        return str(self._found("network", name, lambda: self._connection.network.find_network(name, False)).id)

    def _flavor(self, name: str) -> Flavor:
        return self._found("flavor", name, lambda: self._connection.compute.find_flavor(name, False))

    def _found(self, kind: str, name: str, find: Callable[[], T]) -> T:
        from openstack import exceptions

        hint = f"`openstack --os-cloud {self.name} {kind} list` shows what there is; labels.yaml names it, or its id"
        with _told(self.name, f"looking for the {kind} {visible(name)}"):
            try:
                return find()
            except (exceptions.NotFoundException, exceptions.DuplicateResource) as error:
                several = "several called" if isinstance(error, exceptions.DuplicateResource) else "no"
                brief = f"the cloud {self.name} has {several} {kind} {visible(name)}"
                raise InfrastructureError(brief, hint=hint) from error


def give_back(record: place.Record) -> None:
    """Have the node's server deleted, also where it is unknown whether it has one; twice is harmless.

    :raises InfrastructureError: the cloud does not do it now.
    """
    with connect(record.cloud) as client:
        if record.server:
            client.delete(record.server)
            return
        # Whoever asked for one may have been stopped before the answer came.
        until = time.monotonic() + (0.0 if record.state in _NOT_ASKED else _LATE)
        while True:
            found = [one for one in client.servers(record.gate) if one.node == record.name]
            for one in found:
                client.delete(one.id)
            if found or time.monotonic() >= until:
                return
            time.sleep(1.0)


def _server(found: object) -> Server:
    told = found.to_dict()  # type: ignore[attr-defined]
    metadata, fault = told.get("metadata") or {}, told.get("fault") or {}
    return Server(
        str(told["id"]),
        str(metadata.get(NODE, "")),
        str(told.get("status") or ""),
        told.get("addresses") or {},
        told.get("task_state") == "deleting",
        str(fault.get("message") or ""),
    )


@contextlib.contextmanager
def _told(cloud: str, doing: str) -> Iterator[None]:
    """Tell what the library raises in the block as this house's errors."""
    from keystoneauth1 import exceptions as keystone
    from openstack import exceptions
    from requests.exceptions import RequestException

    try:
        yield
    except (keystone.Unauthorized, keystone.MissingRequiredOptions, keystone.NoMatchingPlugin) as error:
        hint = f"what clouds.yaml has under `auth`: does `openstack --os-cloud {cloud} token issue` work?"
        raise InfrastructureError(f"the cloud {cloud} lets nobody in", details=str(error), hint=hint) from error
    except exceptions.ConfigException as error:
        hint = "clouds.yaml in ~/.config/openstack or /etc/openstack (or what OS_CLIENT_CONFIG_FILE names) has it"
        raise InfrastructureError(f"the cloud {cloud} is not known here", details=str(error), hint=hint) from error
    except (keystone.HttpError, exceptions.HttpException) as error:
        raise _refused(cloud, doing, error) from error
    except (keystone.ClientException, exceptions.SDKException, RequestException, OSError) as error:
        hint = f"does `openstack --os-cloud {cloud} server list` work from here? try again in a while"
        raise Unanswered(f"the cloud {cloud} does not answer: {doing}", details=str(error), hint=hint) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        brief = f"the cloud {cloud} gave an answer that makes no sense: {doing}"
        raise Unanswered(brief, details=repr(error), hint="is that address in clouds.yaml a cloud's?") from error


def _refused(cloud: str, doing: str, error: Exception) -> InfrastructureError:
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None) or 0
    details = str(getattr(error, "details", None) or error)
    if status == 401:
        hint = f"what clouds.yaml has under `auth`: does `openstack --os-cloud {cloud} token issue` work?"
        return InfrastructureError(f"the cloud {cloud} lets nobody in", details=details, hint=hint)
    if status in (403, 413) and "quota" in details.lower():
        hint = f"`openstack --os-cloud {cloud} quota show`; `most` in labels.yaml has jobs wait for each other"
        return Full(f"the cloud {cloud} is out of quota: {doing}", details=details, hint=hint)
    if status >= 500 or status == 429:
        hint = "that is the cloud's own failure: try again in a while"
        return Unanswered(f"the cloud {cloud} failed ({status}): {doing}", details=details, hint=hint)
    hint = "is what labels.yaml says under `clouds` right?"
    return InfrastructureError(f"the cloud {cloud} refuses it ({status}): {doing}", details=details, hint=hint)
