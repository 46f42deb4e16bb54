"""The machine around the container: what is on its disk beside Debian's packages, and the unit that scores."""

import io
import tarfile
from pathlib import Path
from string import Template

from trackback.delivery.ami.contents import Container
from trackback.delivery.images.configs import USER
from trackback.delivery.subject import Subject

PACKAGES = (
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "systemd-sysv",
    "systemd-resolved",
    "systemd-timesyncd",
    "dbus",
    "udev",
    "kmod",
)
IMAGE = "/srv/image"
"""Where the container's file system is."""
UNIT = "trackback-score.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"
ROOT_LABEL, IMAGE_LABEL = "trackback-root", "trackback-image"
"""Of partitions."""
MODULE = "trackback.delivery.batch.instance"

_UNIT = Template("""\
[Unit]
Description=Score with $label what the user data names
Wants=network-online.target
After=network-online.target time-sync.target
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
TimeoutStartSec=infinity
RootDirectory=$image
MountAPIVFS=yes
PrivateTmp=yes
BindReadOnlyPaths=-/run/systemd/resolve/resolv.conf:/etc/resolv.conf
WorkingDirectory=/opt/trackback
User=$user
Group=$group
NoNewPrivileges=yes
$environment
ExecStart=$command
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
""")

_NETWORK = """\
[Match]
Name=en* eth*

[Network]
DHCP=yes
"""

_FSTAB = f"""\
PARTLABEL={ROOT_LABEL} / ext4 defaults,x-systemd.growfs 0 1
PARTLABEL={IMAGE_LABEL} {IMAGE} squashfs ro 0 0
"""

_ROOT_GROWS = """\
[Partition]
Type=root
"""

FILES = {
    "etc/systemd/network/80-dhcp.network": _NETWORK,
    "etc/repart.d/50-root.conf": _ROOT_GROWS,
    "etc/fstab": _FSTAB,
    "etc/hostname": "trackback\n",
}
_UNITS = "etc/systemd/system"
_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "getty.target")
LINKS = {f"{_UNITS}/multi-user.target.wants/{UNIT}": UNIT_PATH, **{f"{_UNITS}/{each}": "/dev/null" for each in _MASKED}}
"""Our own of the machine, the same for all models: beside them there is just the unit."""


def unit(container: Container, subject: Subject) -> str:
    """The systemd unit that scores with the container's model, within the container's file system."""
    user, _, group = container.user.partition(":")
    return _UNIT.substitute(
        label=_escaped(subject.label),
        image=IMAGE,
        user=user,
        group=group or user,
        environment="\n".join(
            f'Environment="{_quoted(name)}={_quoted(value)}"' for name, value in sorted(container.environment.items())
        ),
        command=" ".join(f'"{_quoted(each)}"' for each in command(container, subject)),
    )


def command(container: Container, subject: Subject) -> list[str]:
    """What scores: the container's Python and model, and what its own command trusts."""
    python, model, trusted = container.command[0], "/opt/model", []
    for flag, value in zip(container.command, container.command[1:], strict=False):
        if flag == "--model-uri":
            model = value
        if flag == "--trust":
            trusted += [flag, value]
    stamp = ["--version", subject.label, "--digest", subject.digest]
    return [python, "-m", MODULE, "--model", model, *stamp, *trusted]


def make_account(inside: str) -> list[str]:
    """Commands that give the images' user a name on the machine: systemd runs nothing as a user that has none.

    inside: what makes a command run in the machine.
    """
    user, _, group = USER.partition(":")
    name = "trackback"
    account = f"--uid {user} --gid {group} --no-create-home --home-dir / --shell /usr/sbin/nologin {name}"
    return [f"{inside} groupadd --gid {group} {name}", f"{inside} useradd {account}"]


def write_overlay(target: Path) -> None:
    """A tar of ``FILES`` and ``LINKS``."""
    with tarfile.open(target, "w") as tar:
        for path, text in FILES.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
        for path, leads_to in LINKS.items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, leads_to
            tar.addfile(info)


def _escaped(text: str) -> str:
    """For a unit's values: systemd replaces what follows a percent sign."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    return _escaped(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
