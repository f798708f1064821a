#!/bin/sh
# Installs into var/npm what the pages are held against, as tests/quality/package-lock.json pins it:
# `sh tools/npm.sh` for the tests, `sh tools/npm.sh all` with Lighthouse. Does nothing, quickly, if
# it stands. No script of a package is run and no browser is fetched: Debian's chromium serves.
set -eu

what=${1:-tests}
case $what in
    tests) omit=--omit=dev ;;
    all) omit= ;;
    *)
        echo "Want tests or all, got $what" >&2
        exit 64
        ;;
esac
wanted() { cat tests/quality/package-lock.json tools/npm.sh | sha256sum; }

# `all` holds what the tests need.
for made in "$what" all; do
    [ -f "var/npm/made-$made" ] && [ "$(cat "var/npm/made-$made")" = "$(wanted)" ] && exit 0
done

command -v npm >/dev/null || sh tools/apt.sh nodejs npm
sh tools/apt.sh default-jre-headless
mkdir -p var/npm
rm -f var/npm/made-*
cp tests/quality/package.json tests/quality/package-lock.json tests/quality/.npmrc var/npm/
echo "Installing what tests/quality/package-lock.json pins into var/npm, half a minute"
log=var/npm/install.log
# shellcheck disable=SC2086  # an empty word shall vanish
if ! PUPPETEER_SKIP_DOWNLOAD=1 npm --prefix var/npm ci --ignore-scripts $omit >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "Want all of tests/quality/package-lock.json installed, got the error above: see $log" >&2
    exit 69
fi
wanted >"var/npm/made-$what"
