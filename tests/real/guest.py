"""A Debian guest under QEMU's emulator that boots in seconds: the machine on which scenes run `mien agent`.

    image = Image.build(program, work)           kernel, initramfs with busybox and `mien`; kept in build/real
    with Guest(image, folder, name="web-01") as guest:
        print(guest.run("uname -r").text)

The kernel is Debian's cloud kernel, whichever version apt names today, unpacked and never installed. User space is
busybox. cgroup v2 is whole. The guest has one disk (/disk, ext4) that survives a reboot and a `/disk/boot` script that is
run at each boot. Commands go over a virtio-serial port, which works when the network does not.

Without the host's hardware virtualisation always: results must not depend on whether a machine has it.
"""

import base64
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from hung import Hung, wait_until

BOOT_DEADLINE = 120  # seconds; a boot takes two to four on an idle machine
MODULES = [
    "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk",
    "failover", "net_failover", "virtio_net", "virtio_console", "virtio_balloon", "virtio-rng",
]
GUEST_ADDRESS = "10.0.2.15"
HOST_LOOPBACK = "10.0.2.2"  # the guest's name for 127.0.0.1 of the host

# Obeys the lines that Guest.run sends; works in any shell.
OBEY = r"""
exec 3<>$(ls /dev/vport*p1 | head -1)
echo "ready $(cat /proc/sys/kernel/random/boot_id)" >&3
while :; do
  while read -r number text <&3; do
    [ -n "$number" ] || continue
    echo "$text" | base64 -d >/tmp/command.$number
    sh /tmp/command.$number >/tmp/output.$number 2>&1 </dev/null
    code=$?
    echo "done $number $code $(base64 -w 0 </tmp/output.$number)" >&3
    rm -f /tmp/command.$number /tmp/output.$number
  done
  sleep 0.1
done
"""

INIT = r"""#!/bin/sh
# Process 1 of the guest: mounts, modules, network, services; then it obeys lines from the host.
export PATH=/bin:/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1 </dev/null
mkdir -p /dev/pts /run /tmp /disk /root
mount -t devpts pts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
echo "+cpu +memory +io +pids +cpuset" >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/system.slice
echo "+cpu +memory +io +pids" >/sys/fs/cgroup/system.slice/cgroup.subtree_control
for module in $(cat /modules/order); do insmod /modules/$module.ko; done
hostname $(sed -n 's/.*mien.name=\([^ ]*\).*/\1/p' /proc/cmdline)
ip link set lo up
tries=0
until [ -e /sys/class/net/eth0 ] && [ -b /dev/vda ] && ls /dev/vport*p1 >/dev/null 2>&1 || [ $tries -gt 200 ]; do
  tries=$((tries + 1))
  usleep 50000
done
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
mount -t ext4 /dev/vda /disk
[ -s /disk/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/disk/machine-id
ln -sf /disk/machine-id /etc/machine-id
mkdir -p /disk/lib /disk/log /var
ln -sfn /disk/lib /var/lib
[ -f /disk/boot ] && sh /disk/boot
""" + OBEY

# in_service web.service sh -c ...: starts something inside a service's cgroup and prints its process id.
IN_SERVICE = r"""#!/bin/sh
unit=$1
shift
directory=/sys/fs/cgroup/system.slice/$unit
mkdir -p $directory
setsid sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' $directory "$@" </dev/null >>/disk/log/$unit.log 2>&1 &
echo $!
"""

# A service with a small steady load: some work, some sleep, five times a second.
STEADY = r"""#!/bin/sh
work=${1:-200}
while :; do
  i=0
  while [ $i -lt $work ]; do i=$((i + 1)); done
  usleep 200000
done
"""

HOG = "#!/bin/sh\nwhile :; do :; done\n"


@dataclass
class Answer:
    code: int
    text: str


def die_with_parent():
    """The guest ends with the test, however the test ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def checked(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


# ---- kernel and initramfs ----


def fetch_kernel(work: Path) -> Path:
    """The unpacked package of the cloud kernel that apt names, asked at most once a day."""
    kept = sorted(work.glob("kernel/*/boot/vmlinuz-*"), key=lambda path: path.stat().st_ctime)
    if kept and time.time() - kept[-1].parents[1].stat().st_mtime < 86400:
        return kept[-1].parents[1]
    try:
        try:
            folder = download_kernel(work)
        except RuntimeError:
            checked(["apt-get", "-q", "update"])  # its lists are missing, or name a version that is gone
            folder = download_kernel(work)
        os.utime(folder)
        return folder
    except RuntimeError:
        if kept:
            return kept[-1].parents[1]  # no network now: the last one will do
        raise


def download_kernel(work: Path) -> Path:
    depends = checked(["apt-cache", "depends", "linux-image-cloud-amd64"])
    package = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", depends)
    if not package:
        raise RuntimeError("apt names no cloud kernel: is this Debian on amd64?")
    folder = work / "kernel" / package[1]
    if folder.is_dir():
        return folder
    download = Path(tempfile.mkdtemp(prefix="kernel-", dir=work))
    try:
        checked(["apt-get", "-q", "download", package[1]], cwd=download)
        checked(["dpkg", "-x", next(download.glob("*.deb")), download / "root"])
        folder.parent.mkdir(exist_ok=True)
        (download / "root").rename(folder)
        return folder
    finally:
        shutil.rmtree(download)


def libraries_of(program: Path) -> list[Path]:
    found = re.findall(r"(/\S+) \(0x", checked(["ldd", str(program)]))
    return [Path(path) for path in found]


@dataclass
class Image:
    kernel: Path
    initramfs: Path

    @staticmethod
    def build(program: Path, work: Path) -> "Image":
        work.mkdir(parents=True, exist_ok=True)
        tree = fetch_kernel(work)
        kernel = next(tree.glob("boot/vmlinuz-*"))
        root = Path(tempfile.mkdtemp(prefix="root-", dir=work))
        try:
            fill(root, tree, program)
            initramfs = work / f"initramfs-{os.getpid()}"
            pack(root, initramfs)
        finally:
            shutil.rmtree(root)
        return Image(kernel, initramfs)

    def remove(self):
        self.initramfs.unlink(missing_ok=True)


def pack(root: Path, initramfs: Path):
    """Everything under `root` as an archive that the kernel unpacks."""
    names = "\n".join(sorted(str(path.relative_to(root)) for path in root.rglob("*")))
    with open(initramfs, "wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root, input=names.encode(), stdout=out, check=True)


def put_modules(root: Path, tree: Path):
    """What the guest's devices need, with the order of loading."""
    modules = {path.stem: path for path in tree.glob("lib/modules/*/kernel/**/*.ko")}
    for name in MODULES:
        shutil.copy2(modules[name], root / "modules")
    (root / "modules/order").write_text(" ".join(MODULES))


def fill(root: Path, tree: Path, program: Path):
    for folder in ("bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "run", "modules", "usr"):
        (root / folder).mkdir()
    shutil.copy2("/bin/busybox", root / "bin/busybox")
    for applet in checked(["busybox", "--list"]).split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    for name, text in {"init": INIT, "bin/in_service": IN_SERVICE, "bin/steady": STEADY, "bin/hog": HOG}.items():
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    put_modules(root, tree)
    # Without symbols, which nobody reads there: the initramfs may have half of the guest's memory.
    checked(["strip", "-o", root / "bin" / program.name, program])
    # Debian is merged: /lib and /lib64 are links into /usr.
    for link in ("lib", "lib64"):
        (root / "usr" / link).mkdir()
        (root / link).symlink_to(f"usr/{link}")
    for library in libraries_of(program):
        place = root / library.relative_to("/").parent
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, place)  # follows links


# ---- one guest ----


class Guest:
    """Started by `with`, ended by its end. `run` may be called from one thread at a time."""

    def __init__(self, image: Image, folder: Path, name: str = "guest", cpus: int = 1, memory: int = 256):
        self.image, self.folder, self.name, self.cpus, self.memory = image, folder, name, cpus, memory
        self.sockets = Path(tempfile.mkdtemp(prefix="mien-guest-", dir="/tmp"))  # socket paths have to be short
        self.process = None
        self.channel = None
        self.monitor = None
        self.received = b""
        self.commands = 0
        self.boot_id = ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.keep_logs()
        self.stop()

    def start(self):
        disk = self.folder / f"{self.name}.disk"
        if not disk.exists():
            disk.touch()
            os.truncate(disk, 256 << 20)
            checked(["mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum,^has_journal", disk])
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35,accel=tcg", "-cpu", "max",
            "-smp", str(self.cpus), "-m", str(self.memory), "-rtc", "base=utc",
            "-kernel", str(self.image.kernel), "-initrd", str(self.image.initramfs),
            "-append", f"console=ttyS0 quiet panic=-1 rdinit=/init mien.name={self.name}",
            "-serial", f"file:{self.folder / (self.name + '.console')}",
            "-qmp", f"unix:{self.sockets / 'qmp'},server=on,wait=off",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,id=nic",
            "-drive", f"file={disk},format=raw,if=none,id=disk,cache=unsafe", "-device", "virtio-blk-pci,drive=disk",
            "-device", "virtio-serial-pci", "-chardev", f"socket,path={self.sockets / 'channel'},server=on,wait=off,id=channel",
            "-device", "virtserialport,chardev=channel,name=mien.channel", "-device", "virtio-rng-pci",
        ]
        log = open(self.folder / f"{self.name}.qemu", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
        log.close()
        self.channel = self.connect("channel")
        self.monitor = self.connect("qmp").makefile("rwb")
        self.monitor.readline()  # the greeting
        self.qmp("qmp_capabilities")
        self.await_boot()

    def connect(self, name: str) -> socket.socket:
        end = socket.socket(socket.AF_UNIX)

        def try_it():
            if self.process.poll() is not None:
                raise RuntimeError("QEMU ended: " + (self.folder / f"{self.name}.qemu").read_text())
            return end.connect_ex(str(self.sockets / name)) == 0

        wait_until(try_it, BOOT_DEADLINE, "QEMU does not open its sockets")
        end.settimeout(BOOT_DEADLINE)
        return end

    def await_boot(self):
        try:
            word, self.boot_id = self.read_line().split()
        except (Hung, ValueError, OSError) as error:
            raise Hung(f"the guest did not boot ({error}); its console:\n{self.console()}") from error
        if word != "ready":
            raise RuntimeError(f"the guest said {word} instead of ready")

    def console(self) -> str:
        return (self.folder / f"{self.name}.console").read_text(errors="replace")[-4000:]

    def read_line(self, deadline: float = BOOT_DEADLINE) -> str:
        until = time.monotonic() + deadline
        while b"\n" not in self.received:
            left = until - time.monotonic()
            if left <= 0:
                raise Hung("no answer from the guest")
            self.channel.settimeout(left)
            try:
                piece = self.channel.recv(65536)
            except TimeoutError:
                continue
            if not piece:
                raise RuntimeError("QEMU closed the channel")
            self.received += piece
        line, self.received = self.received.split(b"\n", 1)
        return line.decode()

    def run(self, script: str, deadline: float = 100, expect: int | None = 0) -> Answer:
        """Runs a script to its end. `expect` None: any exit code will do."""
        self.commands += 1
        text = base64.b64encode(script.encode()).decode()
        self.channel.settimeout(BOOT_DEADLINE)
        self.channel.sendall(f"{self.commands} {text}\n".encode())
        line = self.read_line(deadline)
        word, number, code, *output = line.split(" ")
        if word != "done" or int(number) != self.commands:
            raise RuntimeError(f"the guest answered out of turn: {line[:200]}")
        answer = Answer(int(code), base64.b64decode(output[0]).decode(errors="replace") if output else "")
        if expect is not None and answer.code != expect:
            raise RuntimeError(f"in the guest, exit code {answer.code} of:\n{script}\n{answer.text}")
        return answer

    def write(self, path: str, text: str):
        encoded = base64.b64encode(text.encode()).decode()
        self.run(f"mkdir -p $(dirname {path}); echo {encoded} | base64 -d >{path}")

    def in_service(self, unit: str, command: str) -> int:
        return int(self.run(f"in_service {unit} {command}").text)

    def qmp(self, command: str, **arguments):
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                raise RuntimeError(f"QMP {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def plug(self, connected: bool):
        """Pulls or plugs the network cable."""
        self.qmp("set_link", name="nic", up=connected)

    def reset(self):
        """Power off and on: nothing in the guest is asked."""
        before = self.boot_id
        self.received = b""
        self.qmp("system_reset")
        self.await_boot()
        if self.boot_id == before:
            raise RuntimeError("the guest did not reboot")

    def clock_offset(self) -> float:
        """Guest's clock minus ours, in seconds, to about the length of one command."""
        before = time.time()
        there = float(self.run("date +%s").text) + 0.5
        return there - (before + time.time()) / 2

    def keep_logs(self):
        """What the services wrote goes beside the other logs."""
        try:
            (self.folder / f"{self.name}.services.log").write_text(self.run("tail -n 40 /disk/log/*.log", deadline=20, expect=None).text)
        except (OSError, RuntimeError, Hung):
            pass  # it hangs: the console tells why

    def stop(self):
        if self.process is not None:
            self.process.kill()  # by its own id
            self.process.wait()
            self.process = None
        if self.channel:
            self.channel.close()
        shutil.rmtree(self.sockets, ignore_errors=True)
