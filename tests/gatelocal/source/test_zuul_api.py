"""The door to a running Zuul, against a real server: addresses, what is asked, and answers that are none."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
import urllib3

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.source import zuul_api
from gatelocal.source.zuul_api import Patience, Where, ZuulApi
from tests.fakes.zuul import Reply, ZuulWeb, zuul_web

WHERE = Where("gate", "acme/app", "stable/1.0")
PATH = "pipeline/gate/project/acme/app/branch/stable/1.0"
QUICK = Patience(connect=60, silence=60, whole=60, again=1, pause=0)
DROPS = Patience(connect=60, silence=60, whole=0.2, again=0, pause=0)


@pytest.fixture
def web() -> Iterator[ZuulWeb]:
    with zuul_web() as server:
        yield server


def api(web: ZuulWeb, patience: Patience = QUICK) -> ZuulApi:
    return ZuulApi(web.url, "acme", patience, lambda _: None)


@pytest.mark.parametrize(
    ("url", "tenant", "base"),
    [
        ("https://z.org", "t", "https://z.org/api/tenant/t"),
        ("https://z.org/", "a b/c", "https://z.org/api/tenant/a%20b%2Fc"),
        ("https://z.org/t/openstack/status", None, "https://z.org/api/tenant/openstack"),
        ("https://z.org/zuul/t/openstack", "openstack", "https://z.org/zuul/api/tenant/openstack"),
        ("http://z.org:9000/api/tenant/x/status", None, "http://z.org:9000/api/tenant/x"),
        ("https://z.org/tenant/t", "u", "https://z.org/tenant/t/api/tenant/u"),
    ],
)
def test_addresses(url: str, tenant: str | None, base: str) -> None:
    assert ZuulApi(url, tenant).url == base


@pytest.mark.parametrize(
    ("url", "tenant", "message"),
    [
        ("https://z.org", None, "does not say which tenant"),
        ("https://z.org/t/one", "two", "about tenant one"),
        ("ftp://z.org/t/one", None, "no http"),
        ("file:///etc/passwd", "t", "no http"),
        ("https:///t/x", "t", "no http"),
        ("https://z.org/\x1b[31m", "t", "no http"),
    ],
)
def test_what_is_no_address(url: str, tenant: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ZuulApi(url, tenant)


def test_what_is_asked_and_what_comes_back(web: ZuulWeb) -> None:
    web.freezes(PATH, [{"name": "unit", "dependencies": []}], {"unit": {"timeout": 3}})
    web.says("status", {"pipelines": []})
    assert api(web).jobs(WHERE) == ({"name": "unit", "dependencies": []},)
    assert api(web).job(WHERE, "unit") == {"timeout": 3}
    assert api(web).status() == {"pipelines": []}
    assert web.asked[0] == f"/api/tenant/acme/{PATH}/freeze-jobs"


HTML = Reply(b"<html>\x1b[31mlog in</html>", kind="text/html")


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (HTML, InfrastructureError, "did not answer like a Zuul"),
        (Reply(b"[" * 100_000), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b'{"a": 1'), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b'{"a": 1}'), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b'[{"x": 1}]'), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b"", 302, headers={"Location": "http://10.0.0.1/"}), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b"nobody", 401), InfrastructureError, "without a login"),
        (Reply(b"<html>boom</html>", 500, "text/html"), InfrastructureError, "could not say .*status 500"),
        (Reply(b"busy", 503), InfrastructureError, "status 503"),
        (Reply(b'{"error": "Unknown pipeline"}', 404), InputError, "does not know the jobs of acme/app in gate"),
    ],
)
def test_answers_that_are_none(web: ZuulWeb, reply: Reply, kind: type[Exception], message: str) -> None:
    web.gives(f"{PATH}/freeze-jobs", reply)
    with pytest.raises(kind, match=message) as caught:
        api(web).jobs(WHERE)
    assert "\x1b" not in f"{caught.value}{caught.value.details}"  # type: ignore[attr-defined]


def test_a_busy_server_is_asked_again(web: ZuulWeb) -> None:
    replies = [Reply(b"busy", 503), Reply(b"[]")]
    web.gives(f"{PATH}/freeze-jobs", lambda: replies.pop(0))
    assert api(web).jobs(WHERE) == ()
    assert len(web.asked) == 2


def test_an_answer_that_never_ends_does(web: ZuulWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    web.gives("status", Reply(b'"' + b"x" * 40, drip=0.05))
    with pytest.raises(InfrastructureError, match=r"has not finished its answer within 0.2 s"):
        api(web, DROPS).status()
    monkeypatch.setattr(zuul_api, "LARGEST", 1000)
    web.gives("status", Reply(b"x" * 2000))
    with pytest.raises(InfrastructureError, match="did not answer like a Zuul"):
        api(web).status()


def test_headers_that_never_end_do(web: ZuulWeb) -> None:
    web.gives("status", Reply(b"", drip=0.05, endless_headers=True))
    with pytest.raises(InfrastructureError, match=r"has not finished its answer within 0.2 s"):
        api(web, DROPS).status()


def test_many_slow_answers_have_an_end_together(web: ZuulWeb) -> None:
    web.gives("status", Reply(b'{"a": 1}', drip=0.02))
    asked = api(web, replace(QUICK, everything=0.4))
    with pytest.raises(InfrastructureError, match=r"has not finished all answers within 0.4 s"):
        for _ in range(10):
            asked.status()
    assert 1 <= len(web.asked) < 10


def test_nobody_there(web: ZuulWeb) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        place = ZuulApi(f"http://127.0.0.1:{silent.getsockname()[1]}", "t", Patience(0.2, 0.2, again=0))
        with pytest.raises(InfrastructureError, match="does not answer"):
            place.status()
    with pytest.raises(InfrastructureError, match="does not answer") as caught:
        ZuulApi(f"{web.url.replace('http:', 'https:')}/t/x", None, QUICK).status()
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (ssl.SSLCertVerificationError(1, "in other words"), "cannot prove who it is"),
        (ssl.SSLError(1, "CERTIFICATE_VERIFY_FAILED, says a server's alert"), "does not answer"),
    ],
)
def test_a_certificate_is_told_by_the_kind_of_error(
    web: ZuulWeb, monkeypatch: pytest.MonkeyPatch, cause: Exception, told: str
) -> None:
    def fail(*_: object) -> object:
        try:
            raise cause
        except ssl.SSLError as error:
            raise requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", error)) from None  # type: ignore[arg-type]

    monkeypatch.setattr(ZuulApi, "_within_limits", fail)
    with pytest.raises(InfrastructureError, match=told):
        api(web).status()


def test_a_password_in_the_address_is_never_shown() -> None:
    with pytest.raises(InfrastructureError) as caught:
        ZuulApi("http://me:secret@127.0.0.1:1/t/x", None, Patience(0.2, 0.2, again=0)).status()
    assert "secret" not in f"{caught.value}{caught.value.details}{caught.value.hint}"
