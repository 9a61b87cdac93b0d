#!/bin/sh
# Creates .venv beside the Makefile and installs requirements.lock into it, when something changed.
# Says in one line what is missing when it cannot. PYTHON=/path/to/python chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'truckroll: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '           %s\n' "$line" >&2; done
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11 or newer that runs."
        printf '%s' "$PYTHON"
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if is_new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null 2>&1; then
        fail "Python 3.11 or newer is needed; python3 here is $(python3 --version 2>&1)." \
            "Install a newer one (Debian 12 and Ubuntu 24.04 have it: apt-get install python3 python3-venv)" \
            "or name it: make demo PYTHON=/path/to/python3.11"
    fi
    fail "Python is missing. Version 3.11 or newer is needed." \
        "Debian, Ubuntu: apt-get install python3 python3-venv"
}

# Where .venv stands and what it holds: a moved checkout makes it anew, another lock installs the difference.
place() {
    printf '%s %s' "$(pwd)" "${PYTHON:-any}"
}

fingerprint() {
    printf '%s\n%s\n' "$(place)" "$(cat pyproject.toml requirements.lock | cksum)"
}

check_room() {
    free_kb=$(df -Pk . | awk 'NR == 2 {print $4}')
    if [ "$free_kb" -lt 1500000 ]; then
        fail "too little disk space: the libraries need 1.5 GB here, $((free_kb / 1024)) MB are free."
    fi
}

explain_pip_failure() {
    log=$1
    tail -n 15 "$log" >&2
    if grep -q 'No space left' "$log"; then
        fail "the disk is full. Make room and run make again; it goes on by itself."
    elif grep -q 'DO NOT MATCH THE HASHES' "$log"; then
        fail "a downloaded library is not the one in requirements.lock; nothing was installed from it." \
            "Ask who runs the package index set for pip, or run 'make lock' if you changed pyproject.toml."
    elif grep -Eq 'WARNING: Retrying|NewConnectionError|NameResolution|Temporary failure|ConnectTimeout|ReadTimeout|ProxyError' "$log"; then
        fail "the package index cannot be reached. Check the network, or pip's proxy and index settings" \
            "(python3 -m pip config list), and run make again."
    elif grep -q 'No matching distribution' "$log"; then
        fail "the package index offers no build of a library for this system and Python, or cannot be reached." \
            "Truckroll runs on Linux x86-64 with glibc; see docs/reference/requirements.md."
    fi
    fail "installing the libraries failed; the lines above say why (whole log: $log)."
}

install_libraries() {
    log=.venv/install.log
    total=$(grep -c '^[a-z].*==' requirements.lock)
    printf 'Installing %s locked libraries into .venv (once; one to three minutes)\n' "$total"
    .venv/bin/python -m pip --disable-pip-version-check --no-input install \
        --progress-bar off --require-hashes -r requirements.lock >"$log" 2>&1 &
    pip_pid=$!
    trap 'kill "$pip_pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pip_pid" 2>/dev/null; do
        if [ -t 1 ]; then printf '\r  %s looked at ' "$(grep -c '^Collecting' "$log" || true)"; fi
        sleep 1
    done
    trap - INT TERM
    if [ -t 1 ]; then printf '\r                      \r'; fi
    wait "$pip_pid" || explain_pip_failure "$log"
    .venv/bin/python -m pip --disable-pip-version-check --no-input install \
        --quiet --no-build-isolation --no-deps -e . >>"$log" 2>&1 || explain_pip_failure "$log"
}

stamp=.venv/installed-from
standing=no
if [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$(place)" ] && .venv/bin/python -c '' 2>/dev/null; then
    standing=yes
    [ "$(cat "$stamp")" = "$(fingerprint)" ] && exit 0
fi

if [ "$standing" = no ]; then
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "this Python ($python) has no venv or pip module." "Debian, Ubuntu: apt-get install python3-venv"
    check_room
    "$python" -m venv --clear .venv || fail "could not create .venv with $python."
fi
install_libraries
.venv/bin/python -m optimizer.engines.ruin || printf 'The engine will be compiled at its first use.\n'
fingerprint >"$stamp"
printf 'Installed with %s.\n' "$(.venv/bin/python --version)"
