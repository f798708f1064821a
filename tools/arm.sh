#!/bin/sh
# Makes var/arm: a Debian for arm64 with the packages of a camera Pi, run by qemu on this machine.
# No binfmt and no second stage are needed: Python is unpacked, and started through qemu by name.
set -eu

root=var/arm
[ "$(id -u)" = 0 ] || { echo "Want root for debootstrap and chroot, got $(id -un): sudo make test-arm" >&2; exit 77; }
for program in debootstrap qemu-aarch64-static; do
    PATH=$PATH:/usr/sbin command -v $program >/dev/null || {
        echo "Want $program, got none: apt-get install debootstrap qemu-user-static" >&2
        exit 69
    }
done
wanted=$(cat requirements/camera.txt requirements/edge.txt tools/arm.sh | sha256sum)
[ -f $root/made ] && [ "$(cat $root/made)" = "$wanted" ] && exit 0

rm -rf $root
mkdir -p $root
echo "[1/3] Fetching a Debian for arm64, a minute or two"
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
# shellcheck disable=SC2086  # no mirror is no word
debootstrap --foreign --arch=arm64 --variant=minbase --include=python3 bookworm $root $mirror >var/arm.log 2>&1 || {
    tail -n 5 var/arm.log >&2
    exit 69
}
echo "[2/3] Unpacking it"
for package in "$root"/var/cache/apt/archives/*.deb; do
    dpkg-deb -x "$package" $root
done
rm -f $root/var/cache/apt/archives/*.deb
cp "$(command -v qemu-aarch64-static)" $root/usr/bin/

echo "[3/3] Installing what a camera Pi installs"
version=$(chroot $root /usr/bin/qemu-aarch64-static /usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for lock in camera edge; do
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-deps --upgrade \
        --target $root/opt/site --only-binary=:all: --implementation cp --python-version "$version" \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
        --abi "cp$(echo "$version" | tr -d .)" --abi abi3 --abi none --require-hashes -r requirements/$lock.txt
done
echo "$wanted" >$root/made
