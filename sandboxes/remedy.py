"""What to do on a machine where namespaces cannot be made."""

from __future__ import annotations

import os
from pathlib import Path

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_DEBIAN = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MOST = Path("/proc/sys/user/max_user_namespaces")
_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


def remedy() -> str:
    """Name the one setting that most likely stands in the way, and how to change it."""
    if any(mark.exists() for mark in _CONTAINER_MARKS):
        return (
            "This is a container, and its engine forbids namespaces: run Ratchet on the host, or start the container "
            "with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --cap-add SYS_ADMIN`."
        )
    if os.geteuid() != 0 and _setting(_APPARMOR) == "1":
        return (
            "Ubuntu's AppArmor keeps ordinary users from making user namespaces: give /usr/bin/bwrap a profile with "
            "`userns,`, or run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`."
        )
    if os.geteuid() != 0 and _setting(_DEBIAN) == "0":
        return "Ordinary users may not make user namespaces: run `sudo sysctl -w kernel.unprivileged_userns_clone=1`."
    if _setting(_MOST) == "0":
        return "User namespaces are switched off: run `sudo sysctl -w user.max_user_namespaces=10000`."
    return "Bubblewrap 0.8 or newer is needed: compare `bwrap --version`, and see what `ratchet doctor` finds."


def _setting(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
