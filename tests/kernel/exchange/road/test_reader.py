"""The reader of HTTP: whatever portions the bytes come in, it sees what two independent parsers see, or refuses."""

from __future__ import annotations

from collections.abc import Callable

import h11
import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.kernel.exchange.road.head import BadHttp, RequestHead, ResponseHead, read_request, read_response
from banyan.kernel.exchange.road.reader import Reader
from banyan.limits import HEADER_COUNT, XROAD_TARGET_BYTES
from banyan.limits_road import ROAD_CHUNK_LINE_BYTES, ROAD_HEAD_BYTES, ROAD_TRAILER_BYTES


class Told:
    """What a reader told, message by message."""

    def __init__(self, parse: Callable[[bytes], RequestHead | ResponseHead] = read_request) -> None:
        self.parse = parse
        self.heads: list[RequestHead | ResponseHead] = []
        self.bodies: list[bytes] = []
        self.ends = 0

    def head(self, raw: bytes) -> int | None:
        head = self.parse(raw)
        self.heads.append(head)
        self.bodies.append(b"")
        return -1 if isinstance(head, ResponseHead) and head.until_close else head.length

    def piece(self, data: bytes) -> None:
        assert data, "no empty pieces"
        self.bodies[-1] += data

    def end(self) -> None:
        self.ends += 1


def read(portions: list[bytes], parse: Callable[[bytes], RequestHead | ResponseHead] = read_request) -> Told:
    told = Told(parse)
    reader = Reader(told)
    for portion in portions:
        reader.feed(portion)
        while reader.has_more:
            reader.next()
    reader.close()
    return told


GET = b"GET /r1/a?b=%20 HTTP/1.1\r\nHost: gw\r\nX-Road-Client: EE/C/M\r\nAccept:\r\n\r\n"
POST = b"POST /r1/a HTTP/1.1\r\nhost: gw\r\nContent-Length: 11\r\n\r\nhello\r\n\r\n12"
CHUNKED = (
    b"POST /r1/a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"5\r\nhel\r\n\r\n00A;ext=1\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n"
)


@pytest.mark.parametrize("message", [GET, POST, CHUNKED], ids=["get", "length", "chunked"])
def test_every_split_tells_the_same(message: bytes) -> None:
    whole = read([message])
    assert (len(whole.heads), whole.ends) == (1, 1)
    for at in range(1, len(message)):
        split = read([message[:at], message[at:]])
        assert (split.heads, split.bodies, split.ends) == (whole.heads, whole.bodies, 1)
    single = read([message[at : at + 1] for at in range(len(message))])
    assert (single.heads, single.bodies, single.ends) == (whole.heads, whole.bodies, 1)


def test_messages_behind_one_another_wait_their_turn() -> None:
    told = Told()
    reader = Reader(told)
    reader.feed(GET + POST + CHUNKED)
    assert (len(told.heads), told.ends, reader.has_more) == (1, 1, True)
    reader.next()
    assert (len(told.heads), told.bodies[1]) == (2, b"hello\r\n\r\n12")
    reader.next()
    assert (told.ends, told.bodies[2], reader.has_more) == (3, b"hel\r\n0123456789", False)


names = st.text(st.sampled_from("ABCdefxyz019-_.!"), min_size=1, max_size=8).map(lambda text: "X-" + text)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip)
bodies = st.binary(max_size=200)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request as h11 writes it, and its body."""
    body = draw(bodies)
    chunked = draw(st.booleans())
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    lines = [("Host", "gw"), *draw(st.lists(st.tuples(names, values), max_size=6)), framing]
    writer = h11.Connection(h11.CLIENT)
    data = writer.send(h11.Request(method=draw(st.sampled_from(["POST", "PUT"])), target="/r1/x", headers=lines)) or b""
    at = 0
    while at < len(body):
        size = draw(st.integers(1, len(body) - at))
        data += writer.send(h11.Data(data=body[at : at + size])) or b""
        at += size
    return data + (writer.send(h11.EndOfMessage()) or b""), body


@given(messages(), st.data())
@settings(max_examples=150)
def test_what_h11_writes_is_read_back_as_httptools_reads_it(made: tuple[bytes, bytes], data: st.DataObject) -> None:
    message, body = made
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=6)))
    portions = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    told = read([one for one in portions if one])
    seen = ByHttptools()
    httptools.HttpRequestParser(seen).feed_data(message)
    assert told.bodies == [body] == [seen.body]
    assert list(told.heads[0].fields) == seen.fields


class ByHttptools:
    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip(b" \t")))

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.is_complete = True


@given(st.data())
@settings(max_examples=300)
def test_what_we_take_of_spoilt_bytes_httptools_takes_alike(data: st.DataObject) -> None:
    """Ours may refuse more, never see something else: that difference is what smuggling lives on."""
    message = bytearray(data.draw(st.sampled_from([GET, POST, CHUNKED])))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(message) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                message[at] = data.draw(st.integers(0, 255))
            case 1:
                del message[at]
            case _:
                message[at:at] = data.draw(
                    st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b":", b"0", b"\t", b"\0", b";"])
                )
    told = Told()
    reader = Reader(told)
    try:
        reader.feed(bytes(message))
    except BadHttp:
        return
    if not told.ends:
        return
    seen = ByHttptools()
    parser = httptools.HttpRequestParser(seen)
    try:
        parser.feed_data(bytes(message))
    except httptools.HttpParserError:
        if not seen.is_complete:  # it refuses more in names of methods and in what an address holds
            return
    head = told.heads[0]
    first = [field for field in seen.fields if field[0] != b"X-Trailer"][: len(head.fields)]
    assert first == list(head.fields)
    assert seen.body.startswith(told.bodies[0])


LONG = b"x" * (ROAD_HEAD_BYTES + 1)
REFUSED = {
    "no-method": (b"/r1/a HTTP/1.1\r\nHost: gw\r\n\r\n", "request-line", 400),
    "small-method": (b"get / HTTP/1.1\r\nHost: gw\r\n\r\n", "request-line", 400),
    "another-version": (b"GET / HTTP/2.0\r\nHost: gw\r\n\r\n", "request-line", 400),
    "absolute-form": (b"GET http://x/ HTTP/1.1\r\nHost: gw\r\n\r\n", "request-line", 400),
    "two-spaces": (b"GET  / HTTP/1.1\r\nHost: gw\r\n\r\n", "request-line", 400),
    "empty-line-first": (b"\r\nGET / HTTP/1.1\r\nHost: gw\r\n\r\n", "request-line", 400),
    "long-address": (b"GET /" + b"x" * XROAD_TARGET_BYTES + b" HTTP/1.1\r\nHost: gw\r\n\r\n", "request-line", 414),
    "no-host": (b"GET / HTTP/1.1\r\nAccept: x\r\n\r\n", "host", 400),
    "two-hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "host", 400),
    "folded": (b"GET / HTTP/1.1\r\nHost: gw\r\nX: a\r\n b\r\n\r\n", "obs-fold", 400),
    "folded-by-tab": (b"GET / HTTP/1.1\r\nHost: gw\r\nX: a\r\n\tb\r\n\r\n", "obs-fold", 400),
    "space-before-colon": (b"GET / HTTP/1.1\r\nHost: gw\r\nX : a\r\n\r\n", "header-name", 400),
    "no-colon": (b"GET / HTTP/1.1\r\nHost: gw\r\nX\r\n\r\n", "header-line", 400),
    "empty-name": (b"GET / HTTP/1.1\r\nHost: gw\r\n: a\r\n\r\n", "header-name", 400),
    "bare-lf": (b"GET / HTTP/1.1\r\nHost: gw\nX: a\r\n\r\n", "header-bytes", 400),
    "bare-cr": (b"GET / HTTP/1.1\r\nHost: gw\r\nX: a\rY: b\r\n\r\n", "header-bytes", 400),
    "nul": (b"GET / HTTP/1.1\r\nHost: gw\r\nX: a\0b\r\n\r\n", "header-bytes", 400),
    "header-bomb": (b"GET / HTTP/1.1\r\nHost: gw\r\nX: " + LONG, "header-size", 431),
    "many-headers": (b"GET / HTTP/1.1\r\nHost: gw\r\n" + b"X: a\r\n" * HEADER_COUNT + b"\r\n", "header-count", 431),
    "long-name": (b"GET / HTTP/1.1\r\nHost: gw\r\n" + b"x" * 300 + b": a\r\n\r\n", "header-name", 400),
    "length-and-chunked": (
        b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "transfer-encoding",
        400,
    ),
    "two-lengths": (
        b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        "content-length",
        400,
    ),
    "length-list": (b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3, 3\r\n\r\n", "content-length", 400),
    "signed-length": (b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: +3\r\n\r\n", "content-length", 400),
    "other-coding": (
        b"POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "transfer-encoding",
        400,
    ),
    "chunked-of-1.0": (b"POST / HTTP/1.0\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding", 400),
}
CHUNKS = b"POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"
REFUSED |= {
    "chunk-size-text": (CHUNKS + b"g\r\n", "chunk-size", 400),
    "chunk-size-sign": (CHUNKS + b"-1\r\n", "chunk-size", 400),
    "chunk-size-prefix": (CHUNKS + b"0x5\r\n", "chunk-size", 400),
    "chunk-size-space": (CHUNKS + b" 5\r\n", "chunk-size", 400),
    "chunk-size-huge": (CHUNKS + b"f" * 16 + b"\r\n", "chunk-size", 400),
    "chunk-size-bare-lf": (CHUNKS + b"5;a\nb\r\nhello\r\n", "chunk-size", 400),
    "chunk-size-long": (CHUNKS + b"5;" + b"x" * ROAD_CHUNK_LINE_BYTES, "chunk-size", 400),
    "chunk-too-long": (CHUNKS + b"5\r\nhello!\r\n", "chunk-end", 400),
    "chunk-end-lf": (CHUNKS + b"5\r\nhello\n0\r\n\r\n", "chunk-end", 400),
    "trailer-bomb": (CHUNKS + b"0\r\nX: " + b"x" * ROAD_TRAILER_BYTES, "trailer", 431),
    "trailer-folded": (CHUNKS + b"0\r\nX: a\r\n b\r\n\r\n", "obs-fold", 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str) -> None:
    message, rule, status = REFUSED[name]
    for portions in ([message], [message[at : at + 7] for at in range(0, len(message), 7)]):
        with pytest.raises(BadHttp) as refused:
            read(portions)
        assert (refused.value.rule, refused.value.status) == (rule, status)


@pytest.mark.parametrize("message", [GET[:-2], POST[:-1], CHUNKED[:-1], CHUNKED[:-20]])
def test_cut_off(message: bytes) -> None:
    with pytest.raises(BadHttp, match="cut-off"):
        read([message])


ANSWERS = {
    "length": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "no-phrase": ("GET", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "until-close": ("GET", b"HTTP/1.0 200 OK\r\n\r\nall of it", b"all of it"),
    "chunked": ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    "head": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n", b""),
    "no-content": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "not-modified": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 200\r\n\r\n", b""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_body_that_its_head_says(name: str) -> None:
    verb, message, body = ANSWERS[name]
    for portions in ([message], [message[at : at + 1] for at in range(len(message))]):
        told = read(portions, lambda raw: read_response(raw, verb))
        assert (told.bodies, told.ends) == ([body], 1)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/2 200 OK", b"HTTP/1.1 200\tOK", b"ICY 200 OK"]
)
def test_no_answer(line: bytes) -> None:
    with pytest.raises(BadHttp, match="status-line"):
        read_response(line + b"\r\nContent-Length: 0", "GET")
