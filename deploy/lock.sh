#!/bin/sh
# Writes requirements.lock from pyproject.toml: every extra, every supported Python and system, hashes, no hosts.
# uv is fetched into a throw-away environment; it is not needed for anything else.
set -eu
cd "$(dirname "$0")/.."
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
.venv/bin/python -m venv "$room/venv"
"$room/venv/bin/pip" --disable-pip-version-check --quiet install uv
"$room/venv/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes --all-extras \
    --no-header --quiet --upgrade -o "$room/requirements.lock" pyproject.toml
if grep -nE '://|^--' "$room/requirements.lock"; then
    echo "the lines above name a host or an index: nothing written" >&2
    exit 1
fi
{
    echo '# Every library of Truckroll with all extras, for Python 3.11 and newer, with hashes and without hosts.'
    # shellcheck disable=SC2016
    echo '# Written by `make lock` from pyproject.toml; installed by `make` with `pip install --require-hashes`.'
    cat "$room/requirements.lock"
} >requirements.lock
echo "requirements.lock written: $(grep -c '^[a-z].*==' requirements.lock) libraries"
