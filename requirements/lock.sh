#!/bin/sh
# Resolves requirements/*.in into hashed locks without any address in them. Arguments go to uv, e.g. `--upgrade`.
set -eu
cd "$(dirname "$0")"
uv=../.venv/bin/uv
compile() {
    input=$1 output=$2
    shift 2
    "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
        --python-version 3.11 "$input" --output-file "$output" "$@"
}
compile bootstrap.in bootstrap.txt "$@"
compile run.in run.txt "$@"
# What watches the product from inside is its operator's choice, at versions that fit.
compile traces.in traces.txt --constraint run.txt "$@"
# The development set runs the very versions that the product runs.
compile dev.in dev.txt --constraint run.txt "$@"
if grep -nE '(https?|file|git)(\+[a-z]+)?://' ./*.txt; then
    echo "An address got into a lock; see the lines above." >&2
    exit 1
fi
