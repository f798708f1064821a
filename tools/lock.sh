#!/bin/sh
# Writes requirements/<role>.txt: every package that a role needs, pinned and with its hashes, for
# aarch64 and x86_64 and every Python that we support. `sh tools/lock.sh --upgrade` takes the newest.
set -eu

uv=var/uv/bin/uv
if [ ! -x "$uv" ]; then
    echo "Installing uv into var/uv"
    python3 -m venv --clear var/uv
    var/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi

lock() {
    role=$1
    shift
    file=requirements/$role.txt
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links "$@" pyproject.toml --output-file "$file"
    { echo "# Written by \`make lock\` from pyproject.toml."; grep -v '^# Written by' "$file"; } >"$file.new"
    mv "$file.new" "$file"
    echo "$file: $(grep -c == "$file") packages"
}

for role in camera web display voice provision; do
    lock "$role" --extra "$role" "$@"
done
lock edge --extra edge --extra modbus "$@"
lock hub --extra hub --extra influx "$@"
lock demo --extra demo --group build "$@"
lock dev --extra demo --extra influx --extra modbus --extra voice --extra provision --group build --group dev "$@"
