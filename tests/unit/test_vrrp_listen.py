# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info hears, as a real process, under every Python that a managed host may have, in a network namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ansible
import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import vrrp_hearing
from support.adverts import (
    AH,
    CAPTURED,
    MALFORMED,
    PACKETS,
    PASSWORD,
    TCP,
    UDP,
    advert,
    ah,
    ipv4,
    ipv6,
    parse,
    v2,
    v3,
    v3_ipv6,
)
from support.modules import OLD_VERSIONS, VERSIONS, ends, interpreter, newest, old_core

PLUGINS = Path(__file__).parents[2] / "plugins"
COLLECTION = Path("ansible_collections", "evenkeel", "nginx_ha", "plugins", "module_utils")
PROGRAMS = ("ip", "nsenter", "unshare")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the module listens on a packet socket")
# Python 2.7 does not let its sockets be watched.


@dataclass(frozen=True)
class Python:
    path: Path
    environment: Mapping[str, str]
    prefix: Sequence[str | Path] = ()

    def start(self, *, check: bool = False, preload: str = "pass", **arguments: Any) -> subprocess.Popen[str]:
        module = PLUGINS / "modules" / "host_info.py"
        code = f"{preload}\nimport runpy; runpy.run_path({str(module)!r}, run_name='__main__')"
        with tempfile.TemporaryFile("w+") as payload:
            json.dump({"ANSIBLE_MODULE_ARGS": {"listen": arguments, "_ansible_check_mode": check}}, payload)
            payload.seek(0)
            return subprocess.Popen(
                [*self.prefix, self.path, "-B", "-c", code],
                env=self.environment,
                stdin=payload,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def run(self, **arguments: Any) -> dict[str, Any]:
        return finish(self.start(**arguments))


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The module's answer, once it is sure that it printed nothing else."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert err == ""
    answer: dict[str, Any] = json.loads(out)
    assert process.returncode == int(answer.get("failed", False))
    return {**answer.pop("heard", {}), **answer}


@pytest.fixture(scope="session")
def libraries() -> Iterator[Path]:
    """What the modules import: the collection's module_utils as Ansible packs it, and ansible-core."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-listen-") as name:
        package = Path(name) / "collection"
        for part in COLLECTION.parts:
            package /= part
            package.mkdir(parents=True)
            (package / "__init__.py").touch()
        for path in (PLUGINS / "module_utils").glob("*.py"):
            shutil.copy(path, package)
        (Path(name) / "core").mkdir()
        (Path(name) / "core" / "ansible").symlink_to(Path(ansible.__file__).parent)
        yield Path(name)


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"python{version}")
def python(request: pytest.FixtureRequest, libraries: Path) -> Python:
    version = request.param
    path = interpreter(version)
    if path is None:
        pytest.skip(f"there is no Python {version} in ~/.pyenv/versions or as /usr/bin/python3")
    core = old_core() if version in OLD_VERSIONS else libraries / "core"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(libraries),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": f"{core}:{libraries / 'collection'}",
    }
    return Python(path, environment)


# A namespace with two ends of a wire: adverts are sent on near and on far, the module listens on far.

NEAR, FAR, CONTAINER = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
GROUPS = {4: "01:00:5e:00:00:12", 6: "33:33:00:00:00:12"}
LINKS = f"""
ip link set lo up
ip link add near address {NEAR} type veth peer name far address {FAR}
ip link set near up
ip link set far up
"""

# Sends once the module listens, which is once far has joined both groups, and tells how far looked then.
SENDER = """
import json, socket, subprocess, sys, time
order = json.load(sys.stdin)
def joined():
    with open("/proc/net/dev_mcast") as source:
        return {line.split()[4] for line in source if line.split()[1] == "far"}
deadline = time.monotonic() + 30
while not set(order["await"]) <= joined():
    assert time.monotonic() < deadline, "nobody listens on far"
    time.sleep(0.01)
details = subprocess.run(["ip", "-json", "-details", "link", "show", "far"], capture_output=True, check=True)
sockets = {}
for interface, digits in order["frames"]:
    if interface not in sockets:
        sockets[interface] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sockets[interface].bind((interface, 0))
    sockets[interface].send(bytes.fromhex(digits))
    time.sleep(0.002)
print(json.dumps({"promiscuity": json.loads(details.stdout)[0]["promiscuity"]}))
"""


def frame(packet: bytes, to: str | None = None, *, family: int | None = None, tag: bytes = b"") -> bytes:
    family = family or packet[0] >> 4
    unicast = packet[16] < 224 if family == 4 else packet[24] != 0xFF
    destination = to or (FAR if unicast else GROUPS[family])
    kind = {4: b"\x08\x00", 6: b"\x86\xdd"}[family]
    return bytes.fromhex((destination + NEAR).replace(":", "")) + tag + kind + packet


@dataclass(frozen=True)
class Network:
    prefix: Sequence[str | Path]
    frames: list[tuple[str, bytes]] = field(default_factory=list)

    def run(self, *words: str | Path, text: str = "") -> str:
        return subprocess.run(
            [*self.prefix, *words], input=text, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def joined(self) -> set[str]:
        """The groups of far, but that of its own IPv6 address, which the kernel joins when it has made one."""
        lines = [line.split() for line in self.run("cat", "/proc/net/dev_mcast").splitlines()]
        return {line[4] for line in lines if line[1] == "far" and not line[4].startswith("3333ff")}

    def send(self, packet: bytes, to: str | None = None, *, on: str = "near", **how: Any) -> None:
        self.frames.append((on, frame(packet, to, **how)))

    def listen(self, python: Python, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The module's answer after all that was to be sent, and how the interface looked in the meantime."""
        groups = [address.replace(":", "") for address in GROUPS.values()]
        order = {"await": groups, "frames": [(on, content.hex()) for on, content in self.frames]}
        process = replace(python, prefix=self.prefix).start(interface="far", **arguments)
        try:
            seen = json.loads(self.run(sys.executable, "-c", SENDER, text=json.dumps(order)))
        except BaseException:
            process.kill()
            raise
        return finish(process), seen


@pytest.fixture
def network() -> Iterator[Network]:
    """It ends with the process that holds it, a minute after this one at the latest."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"needs root and {', '.join(PROGRAMS)}: a network namespace of its own")
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert holder.stdout and holder.stderr
    try:
        if not holder.stdout.readline():
            pytest.skip(f"no network namespace: {holder.stderr.read().decode().strip()}")
        network = Network(["nsenter", f"--net=/proc/{holder.pid}/ns/net", "--"])
        for command in LINKS.strip().splitlines():
            network.run(*command.split())
        yield network
    finally:
        holder.kill()
        holder.communicate()


def without_times(speakers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in speaker.items() if name not in ("first_seen", "last_seen")}
        for speaker in speakers
    ]


def order_of(speaker: Mapping[str, Any]) -> tuple[Any, ...]:
    return speaker["family"], speaker["virtual_router_id"], speaker["source"], speaker["version"]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_who_speaks_is_heard(python: Python, network: Network, check: bool) -> None:
    before = network.joined()
    for packet in PACKETS.values():
        network.send(packet)
    network.send(ipv4(v3(vrid=9, priority=200)))
    network.send(ipv4(v2(vrid=9)))
    malformed = [packet for name, (packet, _reason) in MALFORMED.items() if "says" not in name]
    for packet in malformed:
        network.send(packet)
    network.send(ipv4(b"a datagram", protocol=UDP))
    network.send(ipv4(ah(v2(2), protocol=TCP), protocol=AH))
    network.send(ipv6(b"a datagram", protocol=UDP))
    network.send(PACKETS["3"])
    network.send(ipv4(v3(vrid=9, priority=0, addresses=("192.0.2.9",), timing=b"\x00\x32")))

    answer, seen = network.listen(python, seconds=1.5, check=check)
    expected = [said | {"count": 1 + (name == "3")} for name, (_packet, said) in CAPTURED.items()]
    expected.append(advert(2, 9, 100, "192.0.2.1", "192.0.2.200", count=1))
    expected.append(advert(3, 9, 0, "192.0.2.1", "192.0.2.9", interval=0.5, count=2))
    assert without_times(answer["speakers"]) == sorted(expected, key=order_of)
    assert (answer["malformed"], answer["dropped"]) == (len(malformed), 0)
    assert (answer["changed"], answer["interface"], answer["seconds"]) == (False, "far", 1.5)
    assert "warnings" not in answer
    assert PASSWORD.decode() not in json.dumps(answer)
    for speaker in answer["speakers"]:
        assert 0 <= speaker["first_seen"] <= speaker["last_seen"] <= 1.5
        assert (speaker["first_seen"] < speaker["last_seen"]) == (speaker["count"] > 1)

    assert seen == {"promiscuity": 0}
    assert network.joined() == before


@ends
def test_what_is_not_for_this_interface_is_not_heard(python: Python, network: Network) -> None:
    network.run("ip", "link", "set", "far", "promisc", "on")
    network.run("ip", "link", "add", "link", "far", "name", "container", "address", CONTAINER, "type", "macvlan")
    network.run("ip", "link", "set", "container", "up")
    # Our own adverts: sent on far, and received on near.
    network.send(ipv4(v3(vrid=1)), on="far")
    network.send(ipv6(v3_ipv6(vrid=1)), on="far")
    # Another host's, heard by someone who watches the wire.
    network.send(ipv4(v3(vrid=2)), "02:00:00:00:00:ff")
    # Of a VLAN.
    network.send(ipv4(v3(vrid=3)), tag=b"\x81\x00\x00\x0a")
    # For an interface that shares this one, as a container's or a VLAN's does.
    network.send(ipv4(v3(vrid=4)), CONTAINER)
    network.send(ipv4(v3(vrid=5)))
    answer, _seen = network.listen(python, seconds=0.5)
    assert [speaker["virtual_router_id"] for speaker in answer["speakers"]] == [5]
    assert answer["malformed"] == 0


@newest
def test_the_kernel_keeps_away_what_is_not_vrrp(python: Python, network: Network) -> None:
    watch = (
        "import socket\n"
        "receive = socket.socket.recvfrom\n"
        "def watched(self, *words):\n"
        "    packet, address = receive(self, *words)\n"
        "    assert packet[9 if packet[0] >> 4 == 4 else 6] in (51, 112), packet\n"
        "    return packet, address\n"
        "socket.socket.recvfrom = watched"
    )
    for number in range(200):
        network.send(ipv4(b"a datagram", protocol=UDP))
        network.send(ipv6(b"a datagram", protocol=(number + AH) % 112))
    network.send(ipv4(ah(v2(2)), protocol=AH))
    network.send(ipv4(v3()))
    network.send(ipv6(v3_ipv6()))
    answer, _seen = network.listen(python, seconds=2, preload=watch)
    assert [speaker["count"] for speaker in answer["speakers"]] == [1, 1, 1]


@ends
def test_an_interface_that_is_down_is_warned_of_and_heard_once_it_is_up(python: Python, network: Network) -> None:
    network.run("ip", "link", "set", "far", "down")
    process = replace(python, prefix=network.prefix).start(interface="far", seconds=2)
    deadline = time.monotonic() + 30
    while "01005e000012" not in network.joined():
        assert time.monotonic() < deadline
    network.run("ip", "link", "set", "far", "up")
    network.send(ipv4(v3()))
    order = {"await": [], "frames": [(on, content.hex()) for on, content in network.frames]}
    network.run(sys.executable, "-c", SENDER, text=json.dumps(order))
    answer = finish(process)
    assert [speaker["virtual_router_id"] for speaker in answer["speakers"]] == [51]
    assert warnings(answer) == ["far was down, at least at first; nothing is heard on an interface that is down."]


def warnings(answer: Mapping[str, Any]) -> list[str]:
    # ansible-core 2.19 wraps the text.
    return [warning["event"]["msg"] if isinstance(warning, dict) else warning for warning in answer["warnings"]]


@ends
def test_an_interface_without_mac_addresses_is_no_error(python: Python, network: Network) -> None:
    if not Path("/dev/net/tun").exists():
        pytest.skip("there is no /dev/net/tun to make an interface without MAC addresses with")
    network.run("ip", "tuntap", "add", "wire", "mode", "tun")
    network.run("ip", "link", "set", "wire", "up")
    answer = replace(python, prefix=network.prefix).run(interface="wire", seconds=0.1)
    assert (answer["speakers"], answer["changed"]) == ([], False)


def test_a_missing_interface_is_told_with_those_there_are(python: Python, network: Network) -> None:
    inside = replace(python, prefix=network.prefix)
    for name in ("eth9", "fa", "", "far" + 16 * "x"):
        answer = inside.run(interface=name)
        assert answer["msg"] == f"There is no interface '{name}' on this host; it has far, lo, near."


# Without a namespace


@needs_root
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_silence_is_no_error(python: Python, check: bool) -> None:
    answer = python.run(interface="lo", seconds=0.2, check=check)
    assert {name: answer[name] for name in ("changed", "speakers", "malformed", "dropped", "seconds", "interface")} == {
        "changed": False,
        "speakers": [],
        "malformed": 0,
        "dropped": 0,
        "seconds": 0.2,
        "interface": "lo",
    }


def test_interfaces_of_this_host_are_named(python: Python) -> None:
    names = sorted(name for _index, name in socket.if_nameindex())
    answer = python.run(interface="eth99")
    assert answer["msg"] == f"There is no interface 'eth99' on this host; it has {', '.join(names)}."


@pytest.mark.parametrize("seconds", ["0", "-1", "120.5", "nan", "inf"])
def test_seconds_out_of_range_are_refused(python: Python, seconds: str) -> None:
    answer = python.run(interface="lo", seconds=seconds)
    assert answer["msg"] == f"seconds is {float(seconds)}. Name more than 0 seconds and at most 120."


def test_who_is_not_root_is_told(python: Python) -> None:
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv, to give CAP_NET_RAW up")
        python = replace(python, prefix=["setpriv", "--bounding-set=-net_raw", "--"])
    answer = python.run(interface="lo", seconds=0.1)
    assert answer["msg"] == "Listening on lo needs root (CAP_NET_RAW). Run the task with become."


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> vrrp_hearing.Listener:
    monkeypatch.setattr(vrrp_hearing, "listening", lambda *_words: None)
    return vrrp_hearing.Listener("far")


def test_speakers_beyond_the_1024th_are_counted_alone(listener: vrrp_hearing.Listener) -> None:
    for number in range(1030):
        listener.hear(ipv4(v2(), source=f"10.0.{number // 250}.{number % 250}"), 0x0800, 0.1)
    assert (len(listener.speakers), listener.dropped, listener.malformed) == (1024, 6, 0)
    known = ipv4(v2(priority=1), source="10.0.0.0")
    listener.hear(known, 0x0800, 0.2)
    assert (len(listener.speakers), listener.dropped) == (1024, 6)
    heard = next(speaker for speaker in listener.speakers.values() if speaker["source"] == "10.0.0.0")
    assert heard == parse(known) | {"count": 2, "first_seen": 0.1, "last_seen": 0.2}


def test_listening_takes_the_seconds_it_was_given(listener: vrrp_hearing.Listener) -> None:
    quiet, other = socket.socketpair()
    with quiet, other:
        listener.sockets = [quiet]
        started = time.monotonic()
        listener.listen(0.3)
        assert 0.3 <= time.monotonic() - started < 5


def test_every_error_of_a_socket_but_a_downed_interface_ends_the_listening(listener: vrrp_hearing.Listener) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"), socket.socket() as sock:
        sock.close()
        listener.receive(sock, 0)
    assert listener.down is False
