"""A disk of one machine: it can be full, and its power can be cut.

As root each machine has an ext4 image on a loop device. A power cut is ext4's own shutdown without
a flush (what xfstests uses): what was not yet on the disk is gone, and the next mount finds what a
power cut leaves. It knows no disk that lies about a flush. Without root it is a plain folder.
"""

import fcntl
import os
import struct
import subprocess
import time
from pathlib import Path

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN, linux/fs/ext4/ext4.h
_NO_FLUSH = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH
_BYTES = 1 << 30  # sparse: it takes what is written
_TRIES = 100


def is_possible(folder: Path) -> str | None:
    """None if disks can be made in `folder`, else why not."""
    if os.geteuid() != 0:
        return "want root for disks of their own, so none is full and no power is cut"
    disk = Disk(folder / "trial", is_real=True)
    try:
        disk.make()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"want a loop mount for full disks and power cuts, got: {error}"
    finally:
        disk.end()
        disk.image.unlink(missing_ok=True)
        disk.folder.rmdir()
    return None


class Disk:
    """A folder that is a disk of its own if `is_real`. Methods block."""

    def __init__(self, folder: Path, *, is_real: bool) -> None:
        self.folder = folder
        self.image = folder.with_name(f"{folder.name}.img")
        self.is_real = is_real

    def make(self) -> None:
        """Make the file system and mount it."""
        self.folder.mkdir(parents=True)
        if self.is_real:
            with self.image.open("wb") as image:
                image.truncate(_BYTES)
            _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self.image))
            self._mount()

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "ballast").open("wb") as ballast:
            room = os.statvfs(self.folder)
            at, size = 0, room.f_bavail * room.f_bsize
            while size >= room.f_bsize:
                try:
                    os.posix_fallocate(ballast.fileno(), at, size)
                except OSError:
                    size //= 2
                else:
                    at += size

    def clear(self) -> None:
        """There is room again."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def cut_power(self) -> None:
        """From now on nothing reaches the disk, and what had not reached it is gone."""
        where = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(where, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
        finally:
            os.close(where)

    def power_up(self) -> None:
        """Mount again what the cut has left, once whoever used it has ended."""
        self._unmount()
        self._mount()
        self.clear()  # a cut brings back what was removed just before

    def end(self) -> None:
        """Unmount; what it holds can be had from the image."""
        if self.is_real and self.folder.is_mount():
            self._unmount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self.image), str(self.folder))

    def _unmount(self) -> None:
        for _ in range(_TRIES):
            if subprocess.run(["umount", self.folder], check=False, capture_output=True).returncode:
                time.sleep(0.05)
            else:
                return
        _run("umount", "-l", str(self.folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
