# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, stopping and looking at the lab's hosts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import image
import podman as engine
from machine import RUN, SSH_KEY, LabError, locked, run, say
from podman import podman
from topology import FRONT, HOSTS, NETWORKS, SUITE, SUITES, Host, Network, host

LABEL = "evenkeel-lab"
OWNER = RUN / "owner"
LINKS = Path("/sys/class/net")
SSH_OPTIONS = (
    f"-i{SSH_KEY}",
    "-oUserKnownHostsFile=/dev/null",
    "-oStrictHostKeyChecking=no",
    "-oLogLevel=ERROR",
    "-oConnectTimeout=5",
)


def up(chosen: Mapping[str, str] | None = None) -> None:
    """Start all hosts. chosen are images of some of them; the others are bare."""
    _refuse_other_owner()
    _key()
    images = {each.name: image.ensure(SUITES.get(each.name, SUITE)) for each in HOSTS} | dict(chosen or {})
    down()
    _refuse_taken_networks()
    say(f"Starting {', '.join(h.name for h in HOSTS)}")
    for net in NETWORKS:
        podman("network", "create", f"--subnet={net.subnet}", f"--gateway={net.gateway}", "--disable-dns", net.name)
    with ThreadPoolExecutor() as starting:
        list(starting.map(lambda each: _start(each, images[each.name]), HOSTS))
    for each in HOSTS:
        _wait_until_ready(each)


def down() -> None:
    """Remove every host and network of the lab, also those of a run that was killed."""
    if not engine.STORAGE.exists():
        return
    engine.forget_former_life()
    names = podman("ps", "--all", "--quiet", f"--filter=label={LABEL}").stdout.split()
    if names:
        spaces = podman("inspect", "--format={{.NetworkSettings.SandboxKey}}", *names).stdout.split()
        podman("rm", "--force", "--time=0", *names)
        _remove_namespaces(spaces)
    present = podman("network", "ls", "--quiet").stdout.split()
    for net in NETWORKS:
        if net.name in present:
            podman("network", "rm", "--force", net.name)
        _remove_bridge(net)
    engine.release()


def _remove_namespaces(names: Iterable[str]) -> None:
    """Podman unmounts them in its own mount namespace, and leaves their names in /run."""
    for name in names:
        with suppress(OSError):
            Path(name).unlink()


def _remove_bridge(net: Network) -> None:
    """Remove the bridge that podman leaves where hosts have ended without it."""
    for line in run("ip", "-o", "address", "show", "to", f"{net.gateway}/32").stdout.splitlines():
        bridge = LINKS / line.split()[1]
        if (bridge / "brif").exists() and not any((bridge / "brif").iterdir()):
            run("ip", "link", "delete", bridge.name)


def status() -> None:
    running = podman("ps", f"--filter=label={LABEL}", "--format={{.Names}}").stdout.split()
    for each in HOSTS:
        if each.name not in running:
            print(f"{each.name:8} down")
            continue
        own = {ip for _, ip in each.attachments} | {"127.0.0.1"}
        lines = podman("exec", each.name, "ip", "-4", "-o", "address").stdout.splitlines()
        held = [line.split()[3].split("/")[0] for line in lines]
        extra = [address for address in held if address not in own]
        where = ", ".join(f"{net.interface} {ip}" for net, ip in each.attachments)
        print(f"{each.name:8} up    {where:44} {'VIP ' + ', '.join(extra) if extra else ''}".rstrip())
    if not running:
        engine.release()


def ssh_command(name: str, *words: str) -> list[str]:
    return ["ssh", *SSH_OPTIONS, f"ops@{host(name).management_address}", *words]


def ssh(name: str, words: list[str]) -> None:
    command = ssh_command(name, *words)
    os.execvp("ssh", ["ssh", "-t", *command[1:]] if sys.stdin.isatty() else command)


def net(name: str, words: list[str]) -> None:
    """Run one of this machine's own programs, such as nft, in a host's network namespace."""
    pid = podman("inspect", "--format={{.State.Pid}}", host(name).name).stdout.strip()
    os.execvp("nsenter", ["nsenter", f"--net=/proc/{pid}/ns/net", "--", *words])


def act(name: str, action: str) -> None:
    """Cut or restore a host's power, pull or plug its front cable, freeze or thaw it."""
    known = {
        "power-off": lambda: podman("kill", name),
        "power-on": lambda: podman("start", name),
        "freeze": lambda: podman("pause", name),
        "thaw": lambda: podman("unpause", name),
        "unplug": lambda: run("ip", "link", "set", _cable(name), "down"),
        "plug": lambda: run("ip", "link", "set", _cable(name), "up"),
    }
    if action not in known:
        raise LabError(f"nobody knows how to {action!r} a host; there are {', '.join(known)}")
    known[action]()


def _cable(name: str) -> str:
    """The name of the interface on this machine that is the other end of the host's front interface."""
    link = podman("exec", host(name).name, "cat", f"/sys/class/net/{FRONT.interface}/iflink").stdout.strip()
    for place in LINKS.iterdir():
        if (place / "ifindex").read_text().strip() == link:
            return place.name
    raise LabError(f"{name} has no cable at the front: it is down")


def claim() -> None:
    """Make the process that EVENKEEL_LAB_OWNER names the lab's owner, unless another live process is."""
    _refuse_other_owner()
    RUN.mkdir(parents=True, exist_ok=True)
    OWNER.write_text(os.environ["EVENKEEL_LAB_OWNER"])


def guard(pid: int) -> None:
    """Take the lab down when its owner has ended, for whatever reason, unless another process has claimed it since."""
    while _alive(pid):
        time.sleep(0.5)
    if _owner() == pid:
        down()


def _owner() -> int | None:
    try:
        return int(OWNER.read_text())
    except (OSError, ValueError):
        return None


def _alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def _refuse_other_owner() -> None:
    owner = _owner()
    if owner and _alive(owner) and str(owner) != os.environ.get("EVENKEEL_LAB_OWNER"):
        raise LabError(
            f"process {owner} is using the lab for tests. Wait for it, or end it; there is one lab a machine."
        )


def _key() -> None:
    with locked("ssh"):
        if not SSH_KEY.exists():
            SSH_KEY.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", LABEL, "-f", str(SSH_KEY))


def _refuse_taken_networks() -> None:
    for net in NETWORKS:
        taken = run("ip", "-o", "route", "show", "to", "root", net.subnet).stdout
        taken += run("ip", "-o", "address", "show", "to", net.subnet).stdout
        if taken:
            raise LabError(f"the lab's network {net.subnet} is in use on this machine: {taken.splitlines()[0].strip()}")


def _start(each: Host, image_name: str) -> None:
    # A host that reboots keeps its network cards, and with them their addresses.
    networks = [
        f"--network={net.name}:ip={ip},mac={_mac(ip)},interface_name={net.interface}" for net, ip in each.attachments
    ]
    podman(
        "run",
        "--detach",
        f"--name={each.name}",
        f"--hostname={each.name}",
        f"--label={LABEL}",
        "--privileged",
        "--systemd=always",
        "--stop-signal=SIGRTMIN+3",
        # A host that reboots comes back; one whose power the lab cuts does not.
        "--restart=always",
        f"--volume={SSH_KEY}.pub:/etc/ssh/lab_authorized_keys:ro",
        *engine.limits(),
        *networks,
        image_name,
        "/sbin/init",
    )


def _mac(ip: str) -> str:
    """A locally administered MAC address made from the IP address."""
    return ":".join(["02", "00", *(f"{int(part):02x}" for part in ip.split("."))])


def _wait_until_ready(each: Host) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if podman("exec", each.name, "systemctl", "is-active", "--quiet", "ssh", check=False).returncode == 0:
            break
        time.sleep(0.2)
    else:
        journal = podman("exec", each.name, "journalctl", "--no-pager", "-n", "15", check=False).stdout
        raise LabError(f"{each.name} did not boot within 60 s; the end of its journal:\n{journal}")
    if each.web_port:
        podman("exec", each.name, "systemctl", "enable", "--now", "--quiet", f"lab-web@{each.web_port}")
