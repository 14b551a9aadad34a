"""A real GSM radio network on the loopback: Debian's osmo-bsc and osmo-bts-virtual, and its air interface.

One base station, cell 466-92-10101-5, with a cell broadcast channel. What it sends over the (virtual) air is multicast
as GSMTAP on the loopback, where `Air` listens. Its ports are Osmocom's own, so a lock lets one test at a time run.
There is no core network: without SCTP in the kernel osmo-bsc warns that it has no MSC, and broadcasts all the same.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.make import missing

from banyan.wire.cellbroadcast.air import AirPage, Reader

PACKAGES: Final = {"osmo-bsc": "osmo-bsc", "osmo-bts-virtual": "osmo-bts"}
CELL: Final = "466-92-10101-5"
_CBCH: Final = 0x0F
_GROUP: Final = "239.193.23.1"
_PORT: Final = 4729
_HEAD: Final = 16

BSC: Final = """
log stderr
 logging filter all 1
 logging level set-all notice
line vty
 bind 127.0.0.77
ctrl
 bind 127.0.0.77
e1_input
 e1_line 0 driver ipa
 ipa bind 127.0.0.77
network
 network country code 466
 mobile network code 92
 encryption a5 0
 neci 1
 bts 0
  type osmo-bts
  band DCS1800
  cell_identity 5
  location_area_code 10101
  base_station_id_code 63
  ms max power 15
  channel allocator ascending
  ipa unit-id 6969 0
  oml ipa stream-id 255 line 0
  codec-support fr
  gprs mode none
  trx 0
   rf_locked 0
   arfcn 871
   nominal power 23
   max_power_red 20
   rsl e1 tei 0
   timeslot 0
    phys_chan_config CCCH+SDCCH4+CBCH
   timeslot 1
    phys_chan_config TCH/F
   timeslot 2
    phys_chan_config TCH/F
   timeslot 3
    phys_chan_config TCH/F
   timeslot 4
    phys_chan_config TCH/F
   timeslot 5
    phys_chan_config TCH/F
   timeslot 6
    phys_chan_config TCH/F
   timeslot 7
    phys_chan_config TCH/F
cs7 instance 0
 asp asp-clnt-msc-0 2905 0 m3ua
  remote-ip 127.0.0.77
  local-ip 127.0.0.77
msc 0
bsc
cbc
 mode client
 client
  remote-ip 127.0.0.1
  remote-port {port}
"""
BTS: Final = """
log stderr
 logging filter all 1
 logging level set-all notice
line vty
 bind 127.0.0.77
ctrl
 bind 127.0.0.78
e1_input
 e1_line 0 driver ipa
 e1_line 0 port 0
phy 0
 instance 0
 virtual-um net-device lo
bts 0
 band DCS1800
 ipa unit-id 6969 0
 oml remote-ip 127.0.0.77
 trx 0
  phy 0 instance 0
"""


def need_packages() -> None:
    """Skip, naming what is missing; in CI that is a failure."""
    absent = sorted(package for program, package in PACKAGES.items() if shutil.which(program) is None)
    if absent:
        missing(f"Debian packages missing: {' '.join(absent)}")


@contextmanager
def alone() -> Iterator[None]:
    """Only one radio network of this machine runs at a time."""
    with (Path(tempfile.gettempdir()) / "banyan-osmocom.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def a_program(name: str, config: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One of Osmocom's programs; its log is in `folder`."""
    file = folder / f"{name}.cfg"
    file.write_text(config)
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen([name, "-c", str(file)], stdout=log, stderr=log, cwd=folder)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Air:
    """What phones could hear: the cell broadcast channel of the virtual air."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((_GROUP, _PORT))
        membership = socket.inet_aton(_GROUP) + socket.inet_aton("127.0.0.1")
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self._socket.setblocking(False)
        self._reader = Reader()

    async def page(self) -> AirPage:
        """The next page that is whole."""
        while True:
            octets = await asyncio.get_running_loop().sock_recv(self._socket, 2_000)
            if len(octets) >= _HEAD + 23 and octets[12] == _CBCH:
                page = self._reader.feed(octets[_HEAD : _HEAD + 23])
                if page is not None:
                    return page

    def close(self) -> None:
        self._socket.close()
