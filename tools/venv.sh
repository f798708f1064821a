#!/bin/sh
# Makes .venv for `demo` or `dev`: `sh tools/venv.sh demo`. Does nothing, quickly, if it stands.
# PYTHON=/path/to/python chooses another Python than the one found here.
set -eu

role=$1
case $role in demo | dev) ;; *)
    echo "Want demo or dev, got $role" >&2
    exit 64
    ;;
esac
lock=requirements/$role.txt
pip_log=.venv/install.log

# What the installed packages depend on. A clone that was moved has other paths in its scripts.
wanted() {
    { pwd; cat "requirements/$1.txt" pyproject.toml tools/venv.sh; .venv/bin/python -VV; } | sha256sum
}

# `dev` holds all that `demo` needs.
fits() {
    [ -x .venv/bin/python ] || return 1
    for made in "$role" dev; do
        [ -f ".venv/made-$made" ] && [ "$(cat ".venv/made-$made")" = "$(wanted "$made" 2>&1)" ] && return 0
    done
    return 1
}

enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
has_lgpio() { "$1" -c 'import lgpio' 2>/dev/null; }

# On a Pi the one that sees apt's python3-lgpio: from trixie on, pip has no wheel of it.
choose() {
    if [ -n "${PYTHON:-}" ]; then
        enough "$PYTHON" || { echo "Want a Python >= 3.11, got PYTHON=$PYTHON" >&2; return 1; }
        echo "$PYTHON"
        return
    fi
    if enough /usr/bin/python3 && has_lgpio /usr/bin/python3; then
        echo /usr/bin/python3
        return
    fi
    found=
    for candidate in python3.13 python3.12 python3.11 python3; do
        enough "$candidate" || continue
        found=${found:-$candidate}
        has_venv "$candidate" && { echo "$candidate"; return; }
    done
    [ -n "$found" ] && { echo "$found"; return; }
    echo "Want a Python >= 3.11, got $(python3 -V 2>&1 || true). On Debian 12 or Raspberry Pi OS: apt-get install python3 python3-venv" >&2
    return 1
}

# pip with one line a package instead of ten: "3/4 Installing 12 of 61: numpy".
install() {
    total=$(grep -c '^[a-z0-9].*==' "$lock")
    live=0
    [ -t 1 ] && live=1
    {
        .venv/bin/python -m pip install --no-input --disable-pip-version-check --progress-bar off \
            --require-hashes -r "$lock" 2>&1 && echo 'machiai: installed'
    } | tee "$pip_log" | awk -v total="$total" -v live="$live" '
        function say(line) { printf live ? "\r      %-60s" : "      %s\n", line; fflush() }
        /^(Collecting|Requirement already satisfied:) / {
            name = $1 == "Collecting" ? $2 : $4
            sub(/[=<>[ ].*/, "", name)
            if (!(name in seen) && (seen[name] = ++n) && (live || n % 10 == 1)) say(n " of " total ": " name)
        }
        /^Installing collected/ { say("unpacking, the longest part") }
        END { if (live) print "" }'
    [ "$(tail -n 1 "$pip_log")" = 'machiai: installed' ]
}

fits && exit 0

echo "[1/4] Choosing a Python"
python=$(choose)
echo "      $("$python" -V) at $(command -v "$python")"
"$python" -c 'import sys; sys.exit(sys.maxsize < 2**32)' || {
    echo "Want a 64-bit system, numpy, OpenCV and onnxruntime are not built for others: got $(uname -m)" >&2
    exit 69
}
if ! has_venv "$python"; then
    sh tools/apt.sh python3-venv
fi

echo "[2/4] Making .venv"
if ! { enough .venv/bin/python && .venv/bin/python -m pip --version; } >/dev/null 2>&1; then
    site=
    has_lgpio "$python" && site=--system-site-packages
    # shellcheck disable=SC2086  # an empty word shall vanish
    "$python" -m venv --clear $site .venv
fi
rm -f .venv/made-*

echo "[3/4] Installing what $lock pins, some minutes the first time"
install || {
    tail -n 15 "$pip_log" >&2
    echo "Want all of $lock installed, got the error above; is there a network? All of it: $pip_log" >&2
    exit 69
}

echo "[4/4] Installing machiai itself"
.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
    --no-deps --no-build-isolation --editable .
wanted "$role" >".venv/made-$role"
