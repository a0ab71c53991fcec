"""A Debian guest whose process 1 is systemd: for what must go through it. Boots in about fifteen seconds.

    image = SystemdImage.build(programs, work)
    with image.guest(folder, "unit-01") as guest: ...

Made by mmdebstrap from the mirror that this host's apt uses; the tree is kept in build/real and made anew every week. Kernel and
command channel are those of guest.py; `programs` stand in /usr/local/bin.
"""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from guest import OBEY, Guest, Image, checked, fetch_kernel, libraries_of, pack, put_modules

PACKAGES = "systemd,systemd-sysv,udev,dbus,kmod"
WEEK = 7 * 86400

INIT = r"""#!/bin/sh
# Finds the disk and gives way to systemd.
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module.ko; done
until [ -b /dev/vda ]; do usleep 20000; done
mount -t ext4 /dev/vda /root
mount --move /dev /root/dev
umount /proc
exec switch_root /root /sbin/init
"""

CHANNEL = r"""#!/bin/sh
# Obeys lines from the host (guest.py).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
until ls /dev/vport*p1 >/dev/null 2>&1; do sleep 0.1; done
""" + OBEY

UNITS = {
    "channel.service": "[Unit]\nDescription=Commands of the test\nAfter=dbus.service\n[Service]\nExecStart=/usr/local/bin/channel\n",
    "hog.service": "[Unit]\nDescription=Misbehaves\n[Service]\nExecStart=/bin/sh -c 'while :; do :; done'\nTasksMax=300\n",
}


def fetch_root(work: Path) -> Path:
    """The unpacked system, without anything of ours."""
    kept = work / "systemd-root"
    if kept.is_dir() and time.time() - kept.stat().st_ctime < WEEK:
        return kept
    fresh = Path(tempfile.mkdtemp(prefix="systemd-", dir=work))
    try:
        fresh.chmod(0o755)
        checked(["mmdebstrap", "--quiet", "--variant=apt", f"--include={PACKAGES}", "bookworm", fresh / "root"])
        shutil.rmtree(kept, ignore_errors=True)
        (fresh / "root").rename(kept)
        return kept
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@dataclass
class SystemdImage:
    image: Image
    root: Path  # of our own copy

    @staticmethod
    def build(programs: list[Path], work: Path) -> "SystemdImage":
        work.mkdir(parents=True, exist_ok=True)
        tree = fetch_kernel(work)
        copy = Path(tempfile.mkdtemp(prefix="root-", dir=work)) / "root"
        checked(["cp", "-a", fetch_root(work), copy])
        install(copy, programs)
        return SystemdImage(Image(next(tree.glob("boot/vmlinuz-*")), initramfs(tree, work)), copy)

    def guest(self, folder: Path, name: str, **options) -> Guest:
        disk = folder / f"{name}.disk"
        disk.touch()
        os.truncate(disk, 1 << 30)
        checked(["mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum,^has_journal", "-d", self.root, disk])
        return Guest(self.image, folder, name, memory=512, **options)

    def remove(self):
        self.image.remove()
        shutil.rmtree(self.root.parent, ignore_errors=True)


def install(root: Path, programs: list[Path]):
    for program in programs:
        shutil.copy2(program, root / "usr/local/bin")
        for library in libraries_of(program):
            place = root / library.relative_to("/")
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(library, place)
    (root / "usr/local/bin/channel").write_text(CHANNEL)
    (root / "usr/local/bin/channel").chmod(0o755)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit, text in UNITS.items():
        (root / "etc/systemd/system" / unit).write_text(text)
        (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")
    (root / "etc/fstab").write_text("/dev/vda / ext4 rw,noatime 0 0\n")
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (root / "etc/hostname").write_text("unit-01\n")


def initramfs(tree: Path, work: Path) -> Path:
    root = Path(tempfile.mkdtemp(prefix="initramfs-root-", dir=work))
    out = work / f"initramfs-systemd-{os.getpid()}"
    try:
        for folder in ("bin", "dev", "proc", "root", "modules"):
            (root / folder).mkdir()
        shutil.copy2("/bin/busybox", root / "bin/busybox")
        for applet in ("sh", "mount", "umount", "insmod", "cat", "usleep", "switch_root", "["):
            (root / "bin" / applet).symlink_to("busybox")
        put_modules(root, tree)
        (root / "init").write_text(INIT)
        (root / "init").chmod(0o755)
        pack(root, out)
        return out
    finally:
        shutil.rmtree(root)
