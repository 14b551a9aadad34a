"""CloudEvents, server-sent events, problem details and JSON-RPC as their documents say."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.wire import cloudevents, jsonrpc, sse
from banyan.wire.cloudevents import CloudEvent
from banyan.wire.problem import FieldProblem, ProblemDocument, encode

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
EVENTS = st.builds(
    CloudEvent,
    id=TEXT,
    source=TEXT,
    type=TEXT,
    subject=st.just("") | TEXT,
    time=st.sampled_from(["", "2026-11-23T13:00:00Z"]),
    data=st.sampled_from([msgspec.UNSET, msgspec.Raw(b'{"n":1}')]),
)


@given(EVENTS)
def test_an_event_survives_its_wire(event: CloudEvent) -> None:
    found = cloudevents.decode(cloudevents.encode(event))
    assert (found.id, found.source, found.type, found.subject) == (event.id, event.source, event.type, event.subject)
    assert json.loads(cloudevents.encode(event))["specversion"] == "1.0"


def test_a_document_of_others_is_read_and_its_extensions_ignored() -> None:
    document = {
        "specversion": "1.0",
        "type": "com.github.pull_request.opened",
        "source": "https://github.com/cloudevents/spec/pull",
        "id": "A234-1234-1234",
        "time": "2018-04-05T17:31:00Z",
        "comexampleextension1": "value",
        "datacontenttype": "text/xml",
        "data": '<much wow="xml"/>',
    }
    event = cloudevents.decode(json.dumps(document).encode())
    assert (event.type, bytes(event.data)) == ("com.github.pull_request.opened", b'"<much wow=\\"xml\\"/>"')  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "document",
    [{}, {"specversion": "0.3", "id": "1", "source": "/", "type": "t"}, {"id": "", "source": "/", "type": "t"}],
)
def test_what_is_no_event_is_refused(document: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        cloudevents.decode(json.dumps(document).encode())


def test_a_batch_is_an_array() -> None:
    batch = cloudevents.encode_batch([CloudEvent(id=str(number), source="/s", type="t") for number in range(2)])
    assert [event["id"] for event in json.loads(batch)] == ["0", "1"]


@given(TEXT)
def test_an_sse_event_reads_back_by_the_standards_algorithm(text: str) -> None:
    stream = sse.encode(text.encode(), event="row", event_id="a.1").decode()
    assert stream.endswith("\n\n")
    fields = [line.partition(": ") for line in stream[:-2].split("\n")]
    data = "\n".join(value for name, _, value in fields if name == "data")
    assert data == text.replace("\r\n", "\n").replace("\r", "\n")
    assert [name for name, _, _ in fields[:2]] == ["id", "event"]


def test_an_sse_name_has_one_line() -> None:
    with pytest.raises(AssertionError):
        sse.encode(b"x", event="a\ndata: b")


def test_a_problem_leaves_out_what_it_does_not_say() -> None:
    plain = json.loads(encode(ProblemDocument("/problems/x", "X", 404)))
    assert plain == {"type": "/problems/x", "title": "X", "status": 404}
    fielded = json.loads(encode(ProblemDocument("/p", "X", 422, errors=(FieldProblem("a", "b"),))))
    assert fielded["errors"] == [{"field": "a", "fix": "b"}]


def test_json_rpc_tells_requests_from_notifications_and_answers() -> None:
    assert jsonrpc.decode(b'{"jsonrpc":"2.0","id":1,"method":"ping"}').is_request
    assert not jsonrpc.decode(b'{"jsonrpc":"2.0","method":"ping"}').is_request
    assert not jsonrpc.decode(b'{"jsonrpc":"2.0","id":1,"result":{}}').is_request
    with pytest.raises(jsonrpc.Fault):
        jsonrpc.decode(b"[" * 100_000)
