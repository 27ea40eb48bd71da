"""Abuse that reaches for what is the host's: environments, keys, services."""

from __future__ import annotations

from sandboxes.abuse import Abuse


def _socket(family: int, kind: int) -> str:
    return f"""
try:
    socket.socket({family}, {kind}, 0)
    escaped("a socket of family {family}")
except OSError as refused:
    print(refused)
"""


REACH = (
    Abuse(
        "environment of the host",
        "no other process is seen",
        """
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        print(open(f"/proc/{pid}/environ", "rb").read())
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "keys",
        "neither the home nor its keys are there",
        """
for path in host["keys"]:
    try:
        print(open(path).read())
    except OSError as refused:
        print(refused)
for name in (".ssh", ".aws", ".netrc", ".bashrc", ".profile", ".config", ".gitconfig"):
    if os.path.lexists(os.path.join(host["home"], name)):
        escaped(name)
for path in ("/etc/shadow", "/etc/passwd", "/etc/machine-id", "/etc/ssh", "/var/log", "/root/.bashrc"):
    if os.path.lexists(path):
        escaped(path)
""",
    ),
    Abuse(
        "sockets of engines",
        "no socket file of the host is there",
        """
for path in (host["socket"], "/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock",
             "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket"):
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            print(client.recv(99))
            escaped(path)
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "TCP to the host",
        "the network is a lone loopback",
        """
try:
    with socket.create_connection(("127.0.0.1", host["tcp"]), 1) as client:
        print(client.recv(99))
except OSError as refused:
    print(refused)
""",
    ),
    Abuse(
        "UDP to the host",
        "the network is a lone loopback",
        """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(0.5)
    try:
        client.sendto(b"?", ("127.0.0.1", host["udp"]))
        print(client.recv(99))
    except OSError as refused:
        print(refused)
""",
    ),
    Abuse(
        "abstract socket of the host",
        "abstract names belong to the network namespace",
        """
try:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0" + host["abstract"])
        print(client.recv(99))
except OSError as refused:
    print(refused)
""",
    ),
    Abuse("AF_VSOCK", "no socket to the hypervisor", _socket(40, 1)),
    Abuse("AF_NETLINK", "no socket to the kernel", _socket(16, 3)),
    Abuse("AF_PACKET", "no raw frames", _socket(17, 3)),
    Abuse("AF_ALG", "no socket to the kernel's ciphers", _socket(38, 5)),
    Abuse("raw socket", "no raw packets", _socket(2, 3)),
)
