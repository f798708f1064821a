#!/bin/sh
# Installs Debian packages that are missing: `sh tools/apt.sh mosquitto chromium`. Does nothing if
# all are there. Without root and sudo it says in one line what is missing, and fails.
set -eu

has() {
    case $1 in
        mosquitto) PATH=$PATH:/usr/sbin command -v mosquitto ;;
        chromium) command -v chromium || command -v chromium-browser ;;
        nodejs) command -v node ;;
        npm) command -v npm ;;
        default-jre-headless) command -v java ;;
        python3-venv) /usr/bin/python3 -c 'import ensurepip, venv' ;;
        *) dpkg -s "$1" ;;
    esac >/dev/null 2>&1
}

missing=
for package in "$@"; do
    has "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing:$missing. This is no Debian: install them by its own means." >&2
    exit 69
fi
if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then
        # shellcheck disable=SC2086  # words
        exec sudo -n sh "$0" $missing
    fi
    echo "Missing:$missing. No right to install them here: sudo apt-get install$missing" >&2
    exit 77
fi

# A broker that is only for tests shall not start with the machine, neither now nor at its next boot.
policy=/usr/sbin/policy-rc.d
shim=
cleanup() {
    [ -z "$shim" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    shim=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
fetch() {
    # shellcheck disable=SC2086  # words
    apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing >"$log" 2>&1
}

echo "Installing$missing from Debian, a minute or two"
if ! fetch; then
    apt-get -q update >/dev/null 2>&1 || true # a new machine has no lists, an old one has old lists
    if ! fetch; then
        tail -n 5 "$log" >&2
        echo "Missing:$missing. Debian's packages could not be had: see $log" >&2
        exit 69
    fi
fi
rm -f "$log"
for pair in nginx-light:nginx mosquitto:mosquitto victoria-metrics:victoria-metrics; do
    case " $missing " in
        *" ${pair%:*} "*) ! command -v systemctl >/dev/null || systemctl disable "${pair#*:}" >/dev/null 2>&1 || true ;;
    esac
done
