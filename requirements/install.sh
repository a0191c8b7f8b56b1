#!/bin/sh
# Makes .venv hold exactly what a lock says: `requirements/install.sh run` or `… dev`. Does nothing when it already
# does. Needs only Python 3.11 or newer with its venv module.
set -eu
cd "$(dirname "$0")/.."
kind=${1:?run or dev}

digest() { cat requirements/bootstrap.txt "requirements/$1.txt" | { sha256sum 2>/dev/null || shasum -a 256; } | cut -d ' ' -f 1; }
stamp=.venv/installed-lock
have=$(cat "$stamp" 2>/dev/null || true)
# The development set contains what runs, so it serves `make run` as well.
[ "$have" = "$kind $(digest "$kind")" ] && exit 0
[ "$kind" = run ] && [ "$have" = "dev $(digest dev)" ] && exit 0

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

find_python() {
    for candidate in "${PYTHON:-}" python3.11 python3 python3.12 python3.13 python3.14; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found." "Install it (Debian: apt-get install python3 python3-venv), or name it: PYTHON=/path/to/python3.11 make …"
}

# Debian ships Python without the part of venv that brings pip (package python3-venv). Ways around, in this order:
# a pip of the system can install into the new environment; root can install the package; else say what to do.
make_environment() {
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv .venv
    elif "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip .venv 2>/dev/null; then
        "$python" -m pip --python .venv/bin/python install --quiet --require-hashes --requirement requirements/bootstrap.txt
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "Python's venv module is incomplete; installing Debian's package python$version-venv …"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version-venv" >/dev/null
        "$python" -m venv .venv
    else
        fail "Python's venv module cannot make an environment: its part 'ensurepip' is missing." \
            "Install it once (Debian, Ubuntu: sudo apt-get install python3-venv) and run this again."
    fi
}

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python)
    echo "Creating .venv with $("$python" --version) …"
    rm -rf .venv
    make_environment || fail "The environment .venv could not be made; the reason stands above."
fi

echo "Installing the $kind packages from requirements/$kind.txt …"
rm -f "$stamp"
wanted=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/bootstrap.txt)
if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$wanted" ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement requirements/bootstrap.txt ||
        echo "uv could not be installed; going on with pip alone."
fi
sync() {
    [ -x .venv/bin/uv ] && VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip sync --quiet --require-hashes "$@" "requirements/$kind.txt"
}
# uv is a matter of seconds where pip takes a minute; but pip is what every Python has. Behind a company's proxy it
# is the system that knows the certificates.
if ! sync 2>/dev/null && ! sync --system-certs; then
    echo "uv could not install the packages; pip does it, which takes longer …"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement "requirements/$kind.txt"
fi
echo "$kind $(digest "$kind")" >"$stamp"
