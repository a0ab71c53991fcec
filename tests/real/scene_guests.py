#!/usr/bin/env python3
"""A guest of libvirt is an instance without an agent in it: its processor, its memory by its balloon, its disk and that it runs
reach the manager as its hypervisor tells them, under the name of its control group and with its SMBIOS UUID. When libvirt
goes away that is said, and when it comes back the guest does too.
"""

import os
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

from guest import Image, checked, die_with_parent
from harness import WORK, Manager, Scene, play
from hung import wait_until

NAME = "db-01"
DEADLINE = 200  # only says "hung"
QEMU_CONF = """user = "root"
group = "root"
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
"""
# What runs in the guest: it writes to its disk, and computes.
BOOT = "(while :; do dd if=/dev/zero of=/disk/x bs=64k count=16 conv=fsync 2>/dev/null; done) &\nhog &\n"
DOMAIN = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>{kernel}</kernel><initrd>{initramfs}</initrd>
<cmdline>console=ttyS0 quiet panic=-1 rdinit=/init mien.name={name}</cmdline></os><features><acpi/></features><cpu mode='maximum'/>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw' cache='unsafe'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
<interface type='user'><model type='virtio'/></interface>
<channel type='unix'><source mode='bind' path='{folder}/channel'/><target type='virtio' name='mien.channel'/></channel>
<serial type='file'><source path='{folder}/console'/></serial>
<memballoon model='virtio'><stats period='1'/></memballoon></devices></domain>
"""


class Libvirt:
    """libvirtd with files of its own, in a mount namespace of its own: nothing of this host's is read or written."""

    def __init__(self, scene: Scene):
        self.folder = Path(tempfile.mkdtemp(prefix="mien-lv-", dir="/tmp"))  # socket paths have to be short
        scene.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.scene, self.process = scene, None
        for name in ("etc", "lib", "log", "cache", "run", "sockets"):
            (self.folder / name).mkdir()
        (self.folder / "etc/qemu.conf").write_text(QEMU_CONF)
        (self.folder / "etc/libvirtd.conf").write_text(f'unix_sock_dir = "{self.folder}/sockets"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                                                       f'unix_sock_ro_perms = "0777"\nlog_outputs = "2:file:{scene.folder}/libvirtd.log"\n')
        self.uri = f"qemu+unix:///system?socket={self.folder}/sockets/libvirt-sock"

        # The users that Debian's libvirt was built with, where they are not there: it looks for them before it reads its settings.
        for file, line in (("passwd", "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin"), ("group", "libvirt-qemu:x:64055:\nlibvirt:x:64056:")):
            (self.folder / file).write_text(Path("/etc", file).read_text() + line + "\n")

    def start(self):
        for path in ("/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt", "/run/libvirt"):
            if not os.path.isdir(path):
                os.mkdir(path)
                self.scene.stack.callback(os.rmdir, path)
        over = {"passwd": "/etc/passwd", "group": "/etc/group", "etc": "/etc/libvirt", "lib": "/var/lib/libvirt", "log": "/var/log/libvirt",
                "cache": "/var/cache/libvirt", "run": "/run/libvirt"}
        binds = "".join(f"mount --bind {self.folder}/{mine} {theirs}; " for mine, theirs in over.items())
        script = f"{binds} exec libvirtd -f /etc/libvirt/libvirtd.conf -p {self.folder}/pid --timeout 0"
        out = open(self.scene.folder / "libvirtd.out.log", "ab")
        self.process = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-ec", script], stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=out, preexec_fn=die_with_parent)
        out.close()
        wait_until(lambda: self.virsh("version", expect=None).returncode == 0, DEADLINE, "libvirtd does not answer", every=0.3)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(DEADLINE)
            self.process = None

    def virsh(self, *words: str, expect: int | None = 0):
        done = subprocess.run(["virsh", "-c", self.uri, *words], capture_output=True, text=True, timeout=DEADLINE)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"virsh {' '.join(words)}: {done.stderr.strip()}")
        return done


class Up(Manager):
    """`mien up` that asks our libvirt for its guests."""

    def spawn(self):
        self.starts += 1
        words = [self.scene.program, "up", "--data", self.data, "--listen", f"{self.address}:{self.port}", "--agent-config", self.settings]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        preexec_fn=die_with_parent)
        threading.Thread(target=self.read, args=(self.process,), daemon=True).start()


def begin_guest(scene: Scene, libvirt: Libvirt, identity: str):
    image = Image.build(scene.program, WORK)
    scene.stack.callback(image.remove)
    inside = scene.folder / "inside"
    inside.mkdir()
    (inside / "boot").write_text(BOOT)
    disk = scene.folder / "disk"
    disk.touch()
    os.truncate(disk, 64 << 20)
    checked(["mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum,^has_journal", "-d", inside, disk])
    domain = scene.folder / "domain.xml"
    domain.write_text(DOMAIN.format(name=NAME, uuid=identity, kernel=image.kernel, initramfs=image.initramfs, disk=disk,
                                    folder=libvirt.folder))
    libvirt.virsh("create", str(domain))
    scene.stack.callback(libvirt.virsh, "destroy", NAME, expect=None)


def main(scene: Scene):
    for program in ("libvirtd", "virsh"):
        if not shutil.which(program):
            raise AssertionError(f"{program} is not installed: apt-get install libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients")
    libvirt = Libvirt(scene)
    scene.stack.callback(libvirt.stop)
    libvirt.start()
    identity = str(uuid.uuid4())
    begin_guest(scene, libvirt, identity)
    scene.say("libvirt runs a guest")
    up = Up(scene, scene.folder / "up", "127.0.0.1")
    up.settings = scene.folder / "agent.yaml"
    up.settings.write_text(f'collect: {{libvirt: "{libvirt.uri.replace("libvirt-sock", "libvirt-sock-ro")}"}}\n')
    scene.stack.callback(up.kill)
    scene.managers.append(up)
    up.start()
    instance = f"qemu-{NAME}@{os.uname().nodename}"
    found = scene.await_instance(up, instance)["status"]
    scene.check("a guest is an instance of its host", found["type"] == "guest" and found["parent"] == os.uname().nodename, found)
    scene.check("and known by its SMBIOS UUID", found["identities"].get("host.uuid") == identity, found["identities"])
    began = time.time() - 60

    def newest(metric: str, **attributes):
        points = up.points(instance, metric, began, attributes or None)
        return points[-1][1] if points else None

    cpu = lambda: newest("system.cpu.utilization")
    busy = wait_until(lambda: (cpu() or 0) > 0.3 and cpu(), DEADLINE, "the guest's work is not seen", every=0.5)
    scene.check("its processor is seen at work", 0.3 < busy <= 1, busy)
    writes = lambda: newest("system.disk.io", device="vda", direction="write")
    written = wait_until(lambda: (writes() or 0) > 100_000 and writes(), DEADLINE, "its disk is not seen at work", every=0.5)
    scene.check("its disk is seen at work", True, f"{written:.0f} B/s")
    used = wait_until(lambda: newest("system.memory.usage", state="used"), DEADLINE, "its balloon does not count", every=0.5)
    limit = newest("mien.guest.memory.limit") / 2**20
    scene.check("its balloon says how much memory it uses", 1 << 20 < used < 256 << 20, f"{used / 2**20:.0f} MiB of {limit:.0f}")
    libvirt.virsh("suspend", NAME)
    wait_until(lambda: newest("mien.guest.running") == 0, DEADLINE, "a paused guest seems to run", every=0.5)
    scene.check("a paused guest is seen as paused", True)
    libvirt.virsh("resume", NAME)

    samples = up.points(instance, "system.cpu.utilization", began)
    gaps = sorted(b[0] - a[0] for a, b in zip(samples, samples[1:]))
    scene.say(f"asked every {gaps[len(gaps) // 2]:.1f} s (median of {len(gaps)})")
    libvirt.stop()  # its guests go on
    said = wait_until(lambda: [line for line in up.lines if "libvirt" in line], DEADLINE, "that libvirt went away is not said", every=0.3)
    scene.check("that libvirt went away is said in the agent's log", True, said[-1])
    libvirt.start()
    again = time.time()
    wait_until(lambda: up.points(instance, "system.cpu.utilization", again), DEADLINE, "the guest does not come back with libvirt", every=0.5)
    scene.check("when libvirt is back the guest is seen again", True, f"after {time.time() - again:.0f} s")


if __name__ == "__main__":
    play(main)
