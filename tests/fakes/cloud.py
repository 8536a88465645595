"""A cloud on loopback, as far as servers are made in it: identity, compute with microversions, images and networks.

Answers have the form of a real one's (Keystone v3, Nova 2.1, Glance v2, Neutron v2), so that the real client reads
them. What is behind a server is whoever is given as :attr:`Cloud.power`: a real machine, or an address where nobody is.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.http import LoopbackServer

NEWEST = "2.96"
_CREATED = "2026-11-20T10:00:00Z"
_OF_A_SERVER = {
    *("name", "imageRef", "flavorRef", "networks", "metadata", "user_data", "key_name", "security_groups"),
    *("min_count", "max_count", "config_drive", "availability_zone", "description", "tags", "hostname"),
}


class Refused(Exception):
    """What is answered in the place of what was asked for."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status, self.body = status, {kind: {"code": status, "message": message}}
        super().__init__(message)


@dataclass
class Machine:
    """One server. :ivar ends: the status that it comes to. :ivar gone_at: when it is gone; 0: nobody deletes it."""

    id: str
    name: str
    metadata: dict[str, str]
    asked: dict[str, Any]
    user_data: str = ""
    ready_at: float = 0.0
    ends: str = "ACTIVE"
    gone_at: float = 0.0
    address: str = ""
    fault: str = ""

    @property
    def status(self) -> str:
        return "BUILD" if time.monotonic() < self.ready_at else self.ends


@dataclass
class Cloud:
    """What there is and what is done.

    :ivar power: gives a server's address, "" for none; it may take its time. :ivar off: is told a server that is gone.
    :ivar refuse: (method, path) → what is answered instead, if anything. :ivar asked: method and path of each request.
    :ivar answers: is called before a request that was carried out is answered. :ivar page: how many servers it lists
        at a time. :ivar build: seconds that a server takes. :ivar deleting: those that its end takes.
    :ivar ends: what the first server, the second and so on comes to.
    """

    power: Callable[[Machine], str] = lambda machine: "127.0.0.1"
    off: Callable[[Machine], None] = lambda machine: None
    images: tuple[str, ...] = ("ubuntu-24.04", "debian 12")
    flavors: dict[str, tuple[int, int]] = field(default_factory=lambda: {"small": (2, 2048), "large": (8, 8192)})
    networks: tuple[str, ...] = ("private",)
    instances: int = 10
    cores: int = -1
    ram: int = -1
    newest: str = NEWEST
    build: float = 0.0
    deleting: float = 0.0
    refuse: Callable[[str, str], Refused | None] = lambda method, path: None
    answers: Callable[[str, str], None] = lambda method, path: None
    page: int = 2
    ends: tuple[str, ...] = ("ACTIVE",)
    made: int = 0
    machines: dict[str, Machine] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    password: str = "open sesame"
    console: str = "[  OK  ] Reached target Multi-User System."
    lock: threading.RLock = field(default_factory=threading.RLock)

    def living(self) -> list[Machine]:
        with self.lock:
            for machine in list(self.machines.values()):
                if machine.gone_at and time.monotonic() >= machine.gone_at:
                    del self.machines[machine.id]
                    self.off(machine)
            return list(self.machines.values())

    def add(self, name: str, metadata: dict[str, str]) -> Machine:
        """A server that somebody else has made."""
        machine = Machine(str(uuid.uuid4()), name, metadata, {"imageRef": "", "flavorRef": _id("flavor", "small")})
        self.machines[machine.id] = machine
        return machine


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{name}"))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud: Cloud

    def log_message(self, format: str, *args: Any) -> None:
        """A test that reads standard error must not see it."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        self.cloud.asked.append(f"{method} {path}")
        try:
            refused = self.cloud.refuse(method, path)
            if refused is not None:
                raise refused
            status, answer, headers = self._answer(method, path, body)
            self.cloud.answers(method, path)
        except Refused as error:
            status, answer, headers = error.status, error.body, {}
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @property
    def _base(self) -> str:
        host, port = self.server.server_address[:2]
        return f"http://{host!s}:{port}"

    def _answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        service, _, rest = path.lstrip("/").partition("/")
        if service == "identity":
            return self._identity(method, rest, body)
        if rest not in ("", "v2.1", "v2", "v2.0") and self.headers.get("X-Auth-Token") != "a token":
            raise Refused(401, "error", "The request you have made requires authentication.")
        answer = {"compute": self._compute, "image": self._image, "network": self._network}[service]
        return answer(method, rest, body)

    def _identity(self, method: str, rest: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if (method, rest) == ("POST", "v3/auth/tokens"):
            if body["auth"]["identity"]["password"]["user"]["password"] != self.cloud.password:
                raise Refused(401, "error", "The request you have made requires authentication.")
            catalog = [
                {
                    "type": kind,
                    "name": name,
                    "id": _id("service", name),
                    "endpoints": [
                        {
                            "id": _id("endpoint", name),
                            "interface": "public",
                            "region": "RegionOne",
                            "region_id": "RegionOne",
                            "url": f"{self._base}/{at}",
                        }
                    ],
                }
                for kind, name, at in (
                    ("identity", "keystone", "identity"),
                    ("compute", "nova", "compute/v2.1"),
                    ("image", "glance", "image"),
                    ("network", "neutron", "network"),
                )
            ]
            token = {
                "methods": ["password"],
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-11-20T10:00:00.000000Z",
                "user": {"id": "u", "name": "gate", "domain": {"id": "default", "name": "Default"}},
                "project": {"id": "p", "name": "gate", "domain": {"id": "default", "name": "Default"}},
                "roles": [{"id": "m", "name": "member"}],
                "catalog": catalog,
                "audit_ids": ["a"],
                "is_domain": False,
            }
            return 201, {"token": token}, {"X-Subject-Token": "a token"}
        links = [{"rel": "self", "href": f"{self._base}/identity/v3/"}]
        version = {"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z", "links": links}
        return (200, {"version": version}, {}) if rest == "v3" else (300, {"versions": {"values": [version]}}, {})

    def _compute(self, method: str, rest: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if rest in ("", "v2.1"):
            version = {
                "id": "v2.1",
                "status": "CURRENT",
                "version": self.cloud.newest,
                "min_version": "2.1",
                "updated": "2013-07-23T11:33:21Z",
                "links": [{"rel": "self", "href": f"{self._base}/compute/v2.1/"}],
            }
            return 200, {"version": version} if rest else {"versions": [version]}, {}
        told = self.headers.get("OpenStack-API-Version", "compute 2.1").split()[-1]
        if not _number("2.1") <= _number(told) <= _number(self.cloud.newest):
            raise Refused(406, "computeFault", f"Version {told} is not supported by the API.")
        headers = {"OpenStack-API-Version": f"compute {told}", "Vary": "OpenStack-API-Version"}
        status, answer = self._of_compute(method, rest.removeprefix("v2.1/"), body, _number(told))
        return status, answer, headers

    def _of_compute(self, method: str, rest: str, body: dict[str, Any], version: tuple[int, ...]) -> tuple[int, Any]:
        with self.cloud.lock:
            living = self.cloud.living()
            if (method, rest) == ("POST", "servers"):
                return 202, {"server": self._made(body["server"], version)}
            if (method, rest) == ("GET", "servers/detail"):
                return 200, self._page([self._told(one, version) for one in living])
            if (method, rest) == ("GET", "limits"):
                return 200, {"limits": {"rate": [], "absolute": self._limits(living)}}
            if method == "GET" and rest.startswith("flavors"):
                return 200, self._flavors(rest.removeprefix("flavors").lstrip("/"))
            return self._of_a_server(method, rest, body, version)

    def _of_a_server(self, method: str, rest: str, body: dict[str, Any], version: tuple[int, ...]) -> tuple[int, Any]:
        found = re.fullmatch(r"servers/([^/]+)(/action)?", rest)
        machine = self.cloud.machines.get(found[1]) if found else None
        if found is None or machine is None:
            raise Refused(404, "itemNotFound", f"Instance {rest.removeprefix('servers/')} could not be found.")
        if method == "DELETE":
            machine.gone_at = machine.gone_at or time.monotonic() + self.cloud.deleting
            self.cloud.living()
            return 204, None
        if method == "POST" and "os-getConsoleOutput" in body:
            return 200, {"output": self.cloud.console}
        return 200, {"server": self._told(machine, version)}

    def _page(self, servers: list[dict[str, Any]]) -> dict[str, Any]:
        marker = parse_qs(urlsplit(self.path).query).get("marker", [""])[0]
        start = next((number + 1 for number, one in enumerate(servers) if one["id"] == marker), 0)
        page, more = servers[start : start + self.cloud.page], servers[start + self.cloud.page :]
        if not more:
            return {"servers": page}
        following = f"{self._base}/compute/v2.1/servers/detail?marker={page[-1]['id']}"
        return {"servers": page, "servers_links": [{"rel": "next", "href": following}]}

    def _made(self, asked: dict[str, Any], version: tuple[int, ...]) -> dict[str, Any]:
        cloud = self.cloud
        for name in asked.keys() - _OF_A_SERVER:
            message = f"Invalid input for field/attribute server. Additional properties are not allowed ({name!r})"
            raise Refused(400, "badRequest", message)
        if version >= (2, 37) and "networks" not in asked:
            raise Refused(
                400, "badRequest", "Invalid input for field/attribute server. 'networks' is a required property"
            )
        networks = asked.get("networks")
        if networks == "auto" and len(cloud.networks) > 1:
            raise Refused(
                409, "conflictingRequest", "Multiple possible networks found, use a Network ID to be more specific."
            )
        for key, value in asked.get("metadata", {}).items():
            if not re.fullmatch(r"[a-zA-Z0-9-_:. ]{1,255}", key) or not isinstance(value, str) or len(value) > 255:
                raise Refused(400, "badRequest", f"Invalid input for field/attribute {key}.")
        if asked["imageRef"] not in [_id("image", name) for name in cloud.images]:
            raise Refused(400, "badRequest", f"Can not find requested image {asked['imageRef']}.")
        limits, (cpus, ram) = self._limits(cloud.living()), self._size(asked["flavorRef"])
        for what, most, used, more in (
            ("instances", "maxTotalInstances", "totalInstancesUsed", 1),
            ("cores", "maxTotalCores", "totalCoresUsed", cpus),
            ("ram", "maxTotalRAMSize", "totalRAMUsed", ram),
        ):
            if limits[most] >= 0 and limits[used] + more > limits[most]:
                message = (
                    f"Quota exceeded for {what}: Requested {more}, but already used {limits[used]} of {limits[most]}"
                )
                raise Refused(403, "forbidden", f"{message} {what}")
        user_data = base64.b64decode(asked.get("user_data", ""), validate=True).decode()
        machine = Machine(str(uuid.uuid4()), asked["name"], asked.get("metadata", {}), asked, user_data)
        machine.ready_at = time.monotonic() + cloud.build
        machine.ends = cloud.ends[min(cloud.made, len(cloud.ends) - 1)]
        cloud.made += 1
        cloud.machines[machine.id] = machine
        threading.Thread(target=self._switch_on, args=(machine,), daemon=True).start()
        return {
            "id": machine.id,
            "adminPass": "x",
            "OS-DCF:diskConfig": "MANUAL",
            "security_groups": asked.get("security_groups", [{"name": "default"}]),
            "links": self._links(machine),
        }

    def _switch_on(self, machine: Machine) -> None:
        machine.address = self.cloud.power(machine)

    def _links(self, machine: Machine) -> list[dict[str, str]]:
        return [{"rel": "self", "href": f"{self._base}/compute/v2.1/servers/{machine.id}"}]

    def _told(self, machine: Machine, version: tuple[int, ...]) -> dict[str, Any]:
        addresses = {}
        if machine.address and machine.status == "ACTIVE":
            more = {"OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"}
            addresses = {self.cloud.networks[0]: [{"version": 4, "addr": machine.address, **more}]}
        cpus, ram = self._size(machine.asked["flavorRef"])
        whole = {"original_name": "small", "vcpus": cpus, "ram": ram, "disk": 20, "ephemeral": 0, "swap": 0}
        told = {
            "id": machine.id,
            "name": machine.name,
            "status": machine.status,
            "tenant_id": "p",
            "user_id": "u",
            "metadata": machine.metadata,
            "hostId": "",
            "image": {"id": machine.asked["imageRef"], "links": []},
            "flavor": whole if version >= (2, 47) else {"id": machine.asked["flavorRef"], "links": []},
            "created": _CREATED,
            "updated": _CREATED,
            "addresses": addresses,
            "accessIPv4": "",
            "accessIPv6": "",
            "links": self._links(machine),
            "key_name": machine.asked.get("key_name"),
            "OS-DCF:diskConfig": "MANUAL",
            "OS-EXT-AZ:availability_zone": "nova",
            "OS-EXT-STS:power_state": 1,
            "OS-EXT-STS:vm_state": "active",
            "OS-EXT-STS:task_state": "deleting" if machine.gone_at else None,
            "os-extended-volumes:volumes_attached": [],
        }
        if machine.status == "ERROR":
            told["fault"] = {"code": 500, "created": _CREATED, "message": machine.fault or "No valid host was found. "}
        elif machine.status == "ACTIVE":
            told["security_groups"] = [{"name": "default"}]
        return told

    def _limits(self, living: list[Machine]) -> dict[str, int]:
        sizes = [self._size(one.asked["flavorRef"]) for one in living]
        return {
            "maxTotalInstances": self.cloud.instances,
            "totalInstancesUsed": len(sizes),
            "maxTotalCores": self.cloud.cores,
            "totalCoresUsed": sum(cpus for cpus, _ in sizes),
            "maxTotalRAMSize": self.cloud.ram,
            "totalRAMUsed": sum(ram for _, ram in sizes),
            "maxServerMeta": 128,
            "maxTotalKeypairs": 100,
            "maxServerGroups": 10,
            "maxServerGroupMembers": 10,
            "totalServerGroupsUsed": 0,
        }

    def _size(self, flavor: str) -> tuple[int, int]:
        return next(size for name, size in self.cloud.flavors.items() if _id("flavor", name) == flavor)

    def _flavors(self, which: str) -> dict[str, Any]:
        told = [
            {
                "id": _id("flavor", name),
                "name": name,
                "vcpus": cpus,
                "ram": ram,
                "disk": 20,
                "swap": "",
                "rxtx_factor": 1.0,
                "OS-FLV-EXT-DATA:ephemeral": 0,
                "OS-FLV-DISABLED:disabled": False,
                "os-flavor-access:is_public": True,
                "links": [],
            }
            for name, (cpus, ram) in self.cloud.flavors.items()
        ]
        if which in ("", "detail"):
            marked = "marker" in parse_qs(urlsplit(self.path).query)
            return {"flavors": [] if marked else told}
        for one in told:
            if one["id"] == which:
                return {"flavor": one}
        raise Refused(404, "itemNotFound", f"Flavor {which} could not be found.")

    def _image(self, method: str, rest: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if rest in ("", "v2"):
            links = [{"rel": "self", "href": f"{self._base}/image/v2/"}]
            return 300, {"versions": [{"id": "v2.16", "status": "CURRENT", "links": links}]}, {}
        return self._found("image", self.cloud.images, rest.removeprefix("v2/images").lstrip("/"))

    def _network(self, method: str, rest: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if rest in ("", "v2.0"):
            links = [{"rel": "self", "href": f"{self._base}/network/v2.0/"}]
            return 200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}, {}
        return self._found("network", self.cloud.networks, rest.removeprefix("v2.0/networks").lstrip("/"))

    def _found(self, kind: str, names: tuple[str, ...], which: str) -> tuple[int, Any, dict[str, str]]:
        told = [{"id": _id(kind, name), "name": name, "status": "active"} for name in names]
        if not which:
            query = parse_qs(urlsplit(self.path).query)
            wanted = query.get("name")
            found = [one for one in told if (wanted is None or one["name"] in wanted) and "marker" not in query]
            return 200, {f"{kind}s": found}, {}
        for one in told:
            if one["id"] == which:
                return 200, one if kind == "image" else {kind: one}, {}
        raise Refused(404, "error", f"No {kind} found with ID {which}")


@contextmanager
def serving(cloud: Cloud, folder: Path, name: str = "loop") -> Iterator[Path]:
    """The cloud, answering for the block; a ``clouds.yaml`` in the folder leads there."""
    server = LoopbackServer(type("Handler", (_Handler,), {"cloud": cloud}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    host, port = server.server_address[:2]
    auth = {
        "auth_url": f"http://{host!s}:{port}/identity",
        "username": "gate",
        "password": "open sesame",
        "project_name": "gate",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    file = folder / "clouds.yaml"
    file.write_text(json.dumps({"clouds": {name: {"auth": auth, "region_name": "RegionOne"}}}))
    try:
        yield file
    finally:
        server.shutdown()
        server.server_close()
