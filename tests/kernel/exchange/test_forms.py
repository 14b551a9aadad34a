"""Forms, sessions and cross-site requests: what a page may take, and from whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.sample import Save, faces, sample
from tests.make import NOW, SECRET, TOKEN, Node, a_node

from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Service, View
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.session import Sessions
from banyan.limits import SESSION_TIME_S

Story = Callable[[Node], Awaitable[None]]
BOUNDARY = "x-boundary-x"


def render(request: FaceRequest, view: View) -> FaceAnswer:
    body = json.dumps(view.values, default=msgspec.to_builtins).encode()
    return FaceAnswer(body, status=view.status, headers=view.headers)


def signing(service: Service) -> Service:
    @service.page("POST", path="/session")
    async def sign_in(request: FaceRequest) -> View:
        cookie = request.sign_in((await request.form()).get("token"))
        headers = (("Set-Cookie", cookie),) if cookie else ()
        return View("session.html", {"ok": bool(cookie)}, headers=headers)

    @service.page("GET", "POST", path="/save")
    async def save(request: FaceRequest) -> View:
        if request.method == "GET":
            return View("save.html", {"csrf": request.csrf, "caller": request.caller.kind})
        name = (await request.form()).get("name")
        saved = await request.call("sample.save", Save(name=name))
        return View("save.html", {"by": saved.by})

    return service


def on_node(folder: Path, story: Story, **settings: object) -> None:
    async def run() -> None:
        service = signing(faces(sample(), folder))
        async with a_node(folder, [service], render=render, **settings) as node:
            await story(node)

    asyncio.run(run())


def multipart(*parts: tuple[str, str, bytes]) -> bytes:
    """A body of (name, filename or empty, content)."""
    lines = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines += head.encode() + content + b"\r\n"
    return lines + f"--{BOUNDARY}--\r\n".encode()


MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def test_a_multipart_form_streams_to_disk_and_is_swept(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        body = multipart(("title", "", "口罩".encode()), ("file", "../../口罩.csv", b"a,b\n" * 100_000))
        chunks = [body[start : start + 7_777] for start in range(0, len(body), 7_777)]
        reply = await node.client.post("/form", body=chunks, headers=MULTIPART)
        assert reply.json["fields"] == [["title", "口罩"]]
        assert reply.json["files"] == [["file", "口罩.csv", 400_000]]
        assert list((tmp_path / "work").iterdir()) == []

    on_node(tmp_path, story)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of the kind",
        multipart(("a", "", b"x"))[:-10],
        multipart(("", "", b"x")),
        multipart(("a", "", b"\xff\xfe")),
        multipart(("a", "", b"a\x00b")),
        multipart(*(("a", "", b"x") for _ in range(1001))),
        multipart(*(("a", f"{number}.csv", b"x") for number in range(21))),
        multipart(("a", "", b"x" * (1024 * 1024 + 1))),
        multipart(("a", "long" * 3000, b"x")),
    ],
    ids=["empty", "garbage", "cut", "unnamed", "not-utf8", "nul", "parts", "files", "field", "header"],
)
def test_a_broken_form_is_refused_and_leaves_no_file(tmp_path: Path, body: bytes) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/form", body=body, headers=MULTIPART)
        assert reply.status in (400, 413), reply.text
        assert list((tmp_path / "work").iterdir()) == []

    on_node(tmp_path, story)


def test_an_urlencoded_form_reads_chinese(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/form", form={"縣市": "臺東縣", "空": ""})
        assert reply.json["fields"] == [["縣市", "臺東縣"], ["空", ""]]

    on_node(tmp_path, story)


def test_an_operation_takes_a_form_without_script(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/api/sample/ask", form={"name": "a", "size": "7"})
        assert (reply.status, reply.json["name"]) == (200, "a")
        refused = await node.client.post("/api/sample/ask", body=b"<a/>", headers={"Content-Type": "text/xml"})
        assert refused.status == 415

    on_node(tmp_path, story)


async def signed_in(node: Node, scheme: str = "http") -> Mapping[str, str]:
    reply = await node.client.post("/session", form={"token": TOKEN}, scheme=scheme)
    cookie = reply.header("set-cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    return {"Cookie": cookie.split(";")[0]}


def test_a_session_changes_things_only_with_its_csrf_token(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        cookie = await signed_in(node)
        shown = (await node.client.get("/save", headers=cookie)).json
        assert shown["caller"] == "administrator"
        without = await node.client.post("/save", form={"name": "a"}, headers=cookie)
        wrong = await node.client.post("/save", form={"name": "a", "csrf_token": "x"}, headers=cookie)
        assert (without.status, wrong.status) == (403, 403)
        right = await node.client.post("/save", form={"name": "a", "csrf_token": shown["csrf"]}, headers=cookie)
        assert right.json == {"by": "administrator"}

    on_node(tmp_path, story)


def test_a_session_calls_an_operation_with_the_csrf_header(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        cookie = await signed_in(node)
        csrf = (await node.client.get("/save", headers=cookie)).json["csrf"]
        without = await node.client.post("/api/sample/save", json={"name": "a"}, headers=cookie)
        assert without.status == 401
        reply = await node.client.post("/api/sample/save", json={"name": "a"}, headers={**cookie, "X-CSRF-Token": csrf})
        assert reply.json["by"] == "administrator"

    on_node(tmp_path, story)


def test_another_sites_form_is_refused(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            reply = await node.client.post("/session", form={"token": TOKEN}, headers=headers)
            assert (reply.status, reply.header("set-cookie")) == (403, "")
        own = await node.client.post("/session", form={"token": TOKEN}, headers={"Origin": "http://localhost"})
        assert own.json == {"ok": True}

    on_node(tmp_path, story)


def test_over_https_the_cookie_belongs_to_this_host_alone(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/session", form={"token": TOKEN}, scheme="https")
        cookie = reply.header("set-cookie")
        assert cookie.startswith("__Host-session=")
        assert "; Secure" in cookie
        assert "Domain" not in cookie

    on_node(tmp_path, story)


def test_a_session_behind_a_tls_proxy_is_kept_out_of_shared_caches(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        proxied = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
        made = await node.client.post("/session", form={"token": TOKEN}, headers=proxied, address="10.0.0.1")
        cookie = made.header("set-cookie").split(";")[0]
        assert cookie.startswith("__Host-session=")
        headers = {**proxied, "Cookie": cookie}
        shown = await node.client.get("/save", headers=headers, address="10.0.0.1")
        assert (shown.json["caller"], shown.header("cache-control")) == ("administrator", "private, no-store")
        read = await node.client.get("/api/sample/item/1", headers=headers, address="10.0.0.1")
        assert read.header("cache-control") == "private, no-store"
        plain = {**headers, "X-Forwarded-Proto": "http"}
        assert (await node.client.get("/save", headers=plain, address="10.0.0.1")).json["caller"] == "anonymous"

    on_node(tmp_path, story, trusted_proxies=("10.0.0.1",))


def test_a_wrong_token_starts_no_session_and_guessing_is_slowed(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for _ in range(10):
            reply = await node.client.post("/session", form={"token": "guess"}, address="203.0.113.7")
            assert reply.json == {"ok": False}
        slowed = await node.client.post("/session", form={"token": "guess"}, address="203.0.113.7")
        assert slowed.status == 429
        assert int(slowed.header("retry-after")) >= 1

    on_node(tmp_path, story, rate_scale=1.0)


def test_a_forged_or_old_cookie_is_nobody() -> None:
    sessions = Sessions(SECRET)
    from tests.kernel.exchange.test_gate import ADMINISTRATOR

    session = sessions.start(ADMINISTRATOR, NOW)
    cookie = sessions.set_cookie(session, "http").split(";")[0].removeprefix("session=")
    assert sessions.read(cookie, NOW) == session
    assert sessions.read(cookie, EpochS(NOW + SESSION_TIME_S + 1)) is None
    assert Sessions(b"another secret of thirty-two bytes or so").read(cookie, NOW) is None
    body, _, tag = cookie.partition(".")
    other = "B" if tag[-1] == "A" else "A"
    for forged in (body, f"{body}.", f"{body}.{tag[:-1]}{other}", f"{body[:-4]}AAAA.{tag}", "é.é", "." * 9, "A" * 9999):
        assert sessions.read(forged, NOW) is None
