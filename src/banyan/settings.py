"""node.toml: the one configuration of a node, read once at start into one frozen struct. An unknown key is an error."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from banyan.errors import Invalid
from banyan.limits_alerts import AREA_OPERATORS, AREA_TABLES, FOLLOW_EVERY_S

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
LINE_SECRETS = ("BANYAN_LINE_SECRET", "BANYAN_LINE_TOKEN")
STANDARD_SERVICES = (
    "banyan.service.opendata.parts:SERVICE",
    "banyan.service.supplies.parts:SERVICE",
    "banyan.service.transparency.parts:SERVICE",
    "banyan.service.identity.parts:SERVICE",
    "banyan.service.mydata.parts:SERVICE",
    "banyan.service.powers.parts:SERVICE",
    "banyan.service.credentials.parts:SERVICE",
    "banyan.service.exchange.parts:SERVICE",
    "banyan.service.allocation.parts:SERVICE",
    "banyan.service.casualties.parts:SERVICE",
    "banyan.service.rationing.parts:SERVICE",
    "banyan.service.travel.parts:SERVICE",
    "banyan.service.alerts.parts:SERVICE",
    "banyan.service.tracing.parts:SERVICE",
    "banyan.service.fence.parts:SERVICE",
)


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the portal says of itself. `contact_*` stand on every page's foot and in every catalogue export."""

    title: str = "榕 Banyan 資料平台"
    title_en: str = "Banyan data platform"
    description: str = "政府資料開放、交換與應用的韌性平台"
    description_en: str = "A resilient platform to publish, exchange and use government data"
    publisher: str = "榕市政府"
    publisher_en: str = "Banyan City Government"
    contact_name: str = "資料開放窗口"
    contact_name_en: str = "Open data office"
    contact_email: str = "opendata@banyan.example"
    contact_phone: str = ""
    public_url: str = ""
    """The address citizens use, when a proxy stands in front; else taken from each request's Host."""


class Http(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    """127.0.0.1 serves this machine only; 0.0.0.0 serves the network."""
    port: Port = 8000
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For and -Proto are believed."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that are answered besides localhost, this machine's name, IP addresses and `public_url`; "*": any."""


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    engine: str = "sqlite"
    """`sqlite` (one file a service in the data folder) or a PostgreSQL address `postgresql://…`."""


class Fetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    allow_private: bool = False
    """Let `publish URL` and `--live` read loopback and private addresses (a source inside your own network)."""
    watch_folders: tuple[str, ...] = ()
    """Folders whose files `--live` may watch on the server; files elsewhere are refused."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The LINE Official Account. Its secrets come from the environment: BANYAN_LINE_SECRET (Channel secret) and
    BANYAN_LINE_TOKEN (channel access token)."""

    enabled: bool = False
    api_url: Annotated[str, msgspec.Meta(pattern="^https?://[^/?#]+/?$")] = "https://api.line.me"
    warnings: bool = False
    """Warnings that are released for chats go to everybody who follows the account."""


class OutsideIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenID issuer people may sign in with. Its client secret comes from BANYAN_OUTSIDE_<ID>."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{1,30}$")]
    issuer: str
    client_id: str
    title: str
    title_en: str
    acr: dict[str, Literal["aal1", "aal2", "aal3"]] = {}
    """Which of its `acr` values is worth which of our levels."""
    assurance: Literal["aal1", "aal2", "aal3"] = "aal1"
    """What a sign-in is worth whose `acr` it does not name."""
    number_claim: str = ""
    """The claim with the person's number, when the issuer vouches for it and may open accounts."""


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outside: tuple[OutsideIssuer, ...] = ()


class WitnessAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A witness that is asked to cosign this node's log (c2sp.org/tlog-witness)."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{1,60}$")]
    """Our own word for it, shown on /transparency."""
    key: str
    """Its key as it publishes it: NAME+ID+KEY."""
    url: Annotated[str, msgspec.Meta(pattern="^https?://[^?#\\s]+$")]
    """What stands before /add-checkpoint."""


class Payments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payment provider of preorders. Its key comes from BANYAN_PAYMENTS_KEY, the secrets of its signed words from
    BANYAN_PAYMENTS_SECRET (the newest first, with commas while one is changed)."""

    url: Annotated[str, msgspec.Meta(pattern="^(https?://[^?#\\s]+)?$")] = ""
    """What stands before /v1/charges; empty: nothing can be paid here."""


class SmsBind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bind to an operator's SMSC by SMPP 3.4. Its password comes from BANYAN_SMS_<NAME> or from `password_file`."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,30}$")]
    host: str
    port: Port
    system_id: Annotated[str, msgspec.Meta(min_length=1, max_length=15)]
    password_file: str = ""
    """A file that only the node's user may read."""
    system_type: Annotated[str, msgspec.Meta(max_length=12)] = ""
    kind: Literal["transceiver", "transmitter", "receiver"] = "transceiver"
    smsc: str = ""
    """The SMSC whose message ids it shares with other binds; empty: its own."""
    rate: Annotated[float, msgspec.Meta(gt=0, le=20_000)] = 50.0
    """SMS a second that the operator allows."""
    window: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    """Messages that may be without answer: after a crash so many may be sent twice."""
    alphabet: Literal["gsm7", "latin-1"] = "gsm7"
    """The SMSC's default alphabet."""
    can_query: bool = False
    """It answers query_sm."""
    country: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,2}$")] = "886"
    """Of numbers that it writes with a leading 0."""


class SmsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Notices by SMS. The demonstration has a simulated SMSC where this is not enabled."""

    enabled: bool = False
    senders: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("1922", "1955")
    """The fixed numbers that people know; the first is the usual one."""
    link_domains: tuple[str, ...] = ("gov.tw",)
    """A text may link nowhere else."""
    most_parts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 4
    """SMS that one text may take."""
    binds: tuple[SmsBind, ...] = ()


class BscAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A base station controller of an operator that takes our cell broadcasts by CBSP."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,30}$")]
    host: str
    """Where it connects from; with `port`, where this node connects to."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    cells_file: str = ""
    """The cells it has, as `file` of [cells] has them; empty: whatever no other controller has."""
    has_no_end: bool = True
    """It takes 0 broadcasts for "until killed" (TS 23.041 s9.3.9); osmo-bsc does not."""


class CellApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that may write tests, exercises and operators' messages at osmo-cbc's door. Its secret comes from
    BANYAN_CELLS_<NAME> or from `secret_file`."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,30}$")]
    secret_file: str = ""
    """A file that only the node's user may read."""


class CellSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cell broadcast. CBSP has no passwords of its own: let only the operator's tunnel reach the port."""

    enabled: bool = False
    file: str = ""
    """The operators' cells: OpenCelliD's columns or a list of sites."""
    host: str = "127.0.0.1"
    port: Port = 48_049
    """Where controllers without a port of their own connect to."""
    bscs: tuple[BscAt, ...] = ()
    door_port: Port = 12_345
    """Where osmo-cbc's REST door is, on the loopback; it is there when there are `apps`."""
    apps: tuple[CellApp, ...] = ()


class FeedAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another authority's feed of warnings, Atom or RSS with CAP; the NCDR's is one."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,30}$")]
    title: str
    """Whose it is, as the public reads it."""
    title_en: str
    address: Annotated[str, msgspec.Meta(pattern="^https?://[^?#\\s]+(\\?[^#\\s]*)?$")]
    hosts: tuple[str, ...] = ()
    """Other hosts that its documents may lie on."""
    register: str = ""
    """A folder of senders.toml and PEM files: then only what these signed is believed."""
    every_s: Annotated[int, msgspec.Meta(ge=FOLLOW_EVERY_S[0], le=FOLLOW_EVERY_S[1])] = 60


class OperatorAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A telephone operator that is asked by the road to send an alert's SMS to whoever is in its area."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,30}$")]
    at: Annotated[str, msgspec.Meta(pattern="^[^/]+(/[^/]+){3}$")]
    """The subsystem that offers `areasms`: INSTANCE/CLASS/MEMBER/SUBSYSTEM."""
    asks_as: Annotated[str, msgspec.Meta(pattern="^[^/]+(/[^/]+){3}$")]
    """The subsystem here that asks; it is one of road.clients."""
    basis: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """The law that this node stands on, as the operator records it."""


class AlertSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    follow: Annotated[tuple[FeedAt, ...], msgspec.Meta(max_length=50)] = ()
    """Whose warnings /alerts shows besides ours, as theirs."""
    operators: Annotated[tuple[OperatorAt, ...], msgspec.Meta(max_length=AREA_OPERATORS)] = ()
    """Who sends SMS to an alert's area; each knows its own subscribers, and we learn counts."""


class AreaSmsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator's own node that sends others' warnings by SMS: docs/sms.md. It is plugged in by naming
    banyan.service.areasms.parts:SERVICE in `services`. Files are named from the data folder."""

    tables: Annotated[tuple[str, ...], msgspec.Meta(max_length=AREA_TABLES)] = ()
    """Who is where: Parquet or CSV with `number`, and `cell` or `area`; `lang` if known. Read at each warning."""
    cells: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()
    """The operator's tables of cells or lists of masts, as [fence] has them; needed for tables with `cell`."""
    where: tuple[Annotated[str, msgspec.Meta(pattern="^[^=]+=.*$")], ...] = ()
    """COLUMN=VALUE each: only such rows of `cells`."""
    register: str = ""
    """A folder of senders.toml and PEM files: whose signed warnings are sent."""


class FenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The electronic fence's positions: docs/fence.md. Without them its calls, pages and appeals work all the same."""

    enabled: bool = False
    cells: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()
    """The operators' tables of cells or lists of masts: CSV files, also .gz, named from the data folder."""
    where: tuple[Annotated[str, msgspec.Meta(pattern="^[^=]+=.*$")], ...] = ()
    """COLUMN=VALUE each: only such rows of the files."""


class LedgerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    witnesses: tuple[WitnessAt, ...] = ()
    quorum: Annotated[int, msgspec.Meta(ge=0, le=32)] = 0
    """How many of them make a checkpoint good; 0: more than half."""
    witness_for: tuple[str, ...] = ()
    """Keys of other agencies' logs that this node cosigns at /witness/add-checkpoint, NAME+ID+KEY each."""


class RoadClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An information system of a member here that may call at this gateway's edge; nobody else may."""

    id: Annotated[str, msgspec.Meta(pattern="^[^/]+(/[^/]+){3}$")]
    """INSTANCE/CLASS/MEMBER/SUBSYSTEM."""
    connection: Literal["http", "https", "mutual"] = "mutual"
    """`mutual`: HTTPS with one of `certificates`; `https`: without; `http`: plain, for this machine only."""
    certificates: tuple[str, ...] = ()
    """PEM files."""
    priority: Literal["crisis", "normal", "bulk"] = "normal"
    per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Calls a minute; 0: no bound of its own."""


class RoadOffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service behind this gateway. Who may ask it is granted by officers at /exchange/grants."""

    id: Annotated[str, msgspec.Meta(pattern="^[^/]+(/[^/]+){4}$")]
    """INSTANCE/CLASS/MEMBER/SUBSYSTEM/CODE."""
    url: Annotated[str, msgspec.Meta(pattern="^(https?://[^/?#\\s]+[^?#\\s]*|gate:[a-z][a-z0-9_.]*|rooms:)$")]
    """http(s)://…, gate:SERVICE[.OPERATION] for operations of this node, rooms: for events (codes api, pub, pull)."""
    endpoints: tuple[Annotated[str, msgspec.Meta(pattern=r"^(\*|[A-Z]+) \S+$")], ...] = ()
    """`GET /records/*`; empty: all."""
    title: str = ""
    title_en: str = ""
    description: str = ""
    """Where its OpenAPI document stands: a URL or a file."""
    personal: bool = False
    """It gives personal data: each grant names purposes and bases. Of `gate:` this is known."""
    subject: str = ""
    """Of http(s) with personal data: where the request has the person's number: a JSON pointer such as /person."""
    fields: dict[str, str] = {}
    """Of the same: each field that it answers -> its category of the register (C034). They are weighed and recorded."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 30.0
    enabled: bool = True
    notice: str = ""
    """Why it is not enabled, as its callers are told."""


class RoadRemote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service of this node's gate that runs elsewhere: calls go over the road."""

    service: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]
    at: Annotated[str, msgspec.Meta(pattern="^[^/]+(/[^/]+){3}$")]
    """The subsystem that offers it: INSTANCE/CLASS/MEMBER/SUBSYSTEM."""
    asks_as: Annotated[str, msgspec.Meta(pattern="^[^/]+(/[^/]+){3}$")]
    """The subsystem here that asks; it is one of `clients`."""


class RoadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The road between agencies. Make the agency's folder and join first: ./banyan agency init, ./banyan agency join.
    Folders are named from the data folder."""

    enabled: bool = False
    agency: str = "agency"
    """The folder that `./banyan agency init` made."""
    hosted: tuple[str, ...] = ()
    """Folders of other agencies whose subsystems this gateway serves, by their wish."""
    centre: str = ""
    """The folder of the directory's centre, when this node runs it."""
    host: str = "127.0.0.1"
    """Where peer_port and edge_tls_port are; other gateways reach 0.0.0.0."""
    peer_port: Port = 5500
    edge_host: str = "127.0.0.1"
    """Where edge_port is. Whoever reaches it may ask as any client of `connection` http: this machine only, or a
    network that is yours alone."""
    edge_port: Port = 8080
    """Plain HTTP for clients of `connection` http; 0: any free one."""
    edge_tls_port: Port = 0
    """HTTPS for the others; 0: none."""
    fault_codes: Literal["documented", "renamed"] = "documented"
    """`Server.ServerProxy.AccessDenied`, or X-Road 7.8's `server.serverproxy.access_denied`."""
    monitors: tuple[str, ...] = ()
    """INSTANCE/CLASS/MEMBER[/SUBSYSTEM] that may collect everybody's operational records; the owner's own may."""
    telemetry: str = ""
    """An OpenTelemetry collector, `http(s)://host:4318`, that takes spans and figures of calls; empty: none."""
    clients: tuple[RoadClient, ...] = ()
    offers: tuple[RoadOffer, ...] = ()
    remotes: tuple[RoadRemote, ...] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One node. `member` is its X-Road style member id INSTANCE/CLASS/CODE."""

    member: str = "TW/GOV/BANYAN"
    site: Site = Site()
    http: Http = Http()
    storage: Storage = Storage()
    fetch: Fetch = Fetch()
    line: Line = Line()
    identity: Identity = Identity()
    payments: Payments = Payments()
    sms: SmsSettings = SmsSettings()
    alerts: AlertSettings = AlertSettings()
    areasms: AreaSmsSettings = AreaSmsSettings()
    fence: FenceSettings = FenceSettings()
    cells: CellSettings = CellSettings()
    ledger: LedgerSettings = LedgerSettings()
    road: RoadSettings = RoadSettings()
    services: tuple[str, ...] = STANDARD_SERVICES
    """Import paths `package.module:NAME`; a third party's service is plugged in by adding its line."""
    log: Literal["json", "quiet"] = "quiet"


def load_settings(*candidates: Path) -> Settings:
    """The first node.toml that exists, decoded strictly; defaults when there is none. Raises Invalid naming the key."""
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        return Settings()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: {error}", remedy="See node.example.toml for every key and its meaning.") from error


def token_from_environment() -> str:
    """Secrets alone come from the environment."""
    return os.environ.get("BANYAN_TOKEN", "")


def line_secrets_from_environment() -> tuple[str, str]:
    """(Channel secret, channel access token). Raises Invalid naming the one that is missing."""
    found = [os.environ.get(name, "") for name in LINE_SECRETS]
    for name, value in zip(LINE_SECRETS, found, strict=True):
        if not value:
            raise Invalid(f"line.enabled: {name} is not set", remedy="See “LINE” in docs/operator.md.")
    return found[0], found[1]


def payment_secrets_from_environment() -> tuple[str, tuple[str, ...]]:
    """(the shop's key, the secrets of the provider's words). Raises Invalid naming the one that is missing."""
    found = [os.environ.get(name, "") for name in ("BANYAN_PAYMENTS_KEY", "BANYAN_PAYMENTS_SECRET")]
    if not all(found):
        raise Invalid.at("payments.url", "BANYAN_PAYMENTS_KEY and BANYAN_PAYMENTS_SECRET must be set")
    return found[0], tuple(part.strip() for part in found[1].split(",") if part.strip())


def road_metrics_token_from_environment() -> str:
    """What Prometheus sends to read `/metrics` at the road's edge; empty: nobody may."""
    return os.environ.get("BANYAN_ROAD_METRICS", "")


def outside_secret_from_environment(id: str) -> str:
    """The client secret at an outside issuer. Raises Invalid naming the variable that is missing."""
    name = f"BANYAN_OUTSIDE_{id.upper()}"
    found = os.environ.get(name, "")
    if not found:
        raise Invalid(
            f"identity.outside {id}: {name} is not set", remedy="See “Signing people in” in docs/operator.md."
        )
    return found
