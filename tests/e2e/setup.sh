#!/usr/bin/env bash
# Installs client libraries for the end-to-end tests, each version in a folder of its own: the
# official OpenAI SDKs, a validator of JSON Schema, and with SLUICEGATE_SLOW=core, =all or =hand
# what the files of clients/ and of servers/ need.
#
#   tests/e2e/setup.sh [FOLDER]     FOLDER defaults to build/e2e
#
# Every version in the chain is pinned in python/ and node/. A version whose interpreter is too old
# here, or that cannot be installed (no way to the registry, say), is skipped, and said so; its
# tests are then shown as skipped. With SLUICEGATE_REQUIRE_SDKS=1, as in CI, the latter is an error.
# A second run with nothing to do takes no time and no network.
#
# openai-node 4 needs Node 20 here: on Node 18.20 its node-fetch 2.7 takes the end of any chunked
# answer on a kept connection for a cut, whatever the server.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "${1:-$here/../../build/e2e}"
folder=$(cd "${1:-$here/../../build/e2e}" && pwd)

die() {
    printf 'setup.sh: %s\n' "$*" >&2
    exit 1
}

# cannot NAME WHAT: the library of that name cannot be had here
cannot() {
    [ "${SLUICEGATE_REQUIRE_SDKS:-}" != 1 ] || die "$2"
    printf '%s\n' "$2" >"$folder/$1.unavailable"
    printf 'SKIPPED: %s. Its end-to-end tests are skipped.\n' "$2" >&2
}

# is_ready FOLDER PINS INTERPRETER: made from exactly these pins by exactly this interpreter
stamp_of() { { cat "$1"; printf '%s\n' "$2"; } | sha256sum | cut -d' ' -f1; }
is_ready() { [ "$(cat "$1/.stamp" 2>/dev/null || true)" = "$(stamp_of "$2" "$3")" ]; }
mark_ready() { stamp_of "$2" "$3" >"$1/.stamp"; rm -f "$1.unavailable"; }

install_python() {
    local pins=$1 name target version
    name=$(basename "$pins" .txt)
    target=$folder/python-${name#openai-}
    version=$(python3 -c 'import sys; print(sys.executable, sys.version)')
    is_ready "$target" "$pins" "$version" && { echo "ready: Python $name"; return; }
    rm -rf "$target"
    python3 -m venv "$target" || die "python3 -m venv failed: is python3-venv installed?"
    if ! "$target/bin/pip" install --quiet --disable-pip-version-check --retries 2 --no-deps \
        -r "$pins"; then
        cannot "$(basename "$target")" "pip could not install $name"
        return
    fi
    grep -q '^# unchecked: ' "$pins" ||
        "$target/bin/pip" check --disable-pip-version-check >/dev/null ||
        die "the pins of $name do not fit together"
    mark_ready "$target" "$pins" "$version"
    echo "installed: Python $name"
}

install_node() {
    local pins=$1 name target version needs have
    name=$(basename "$pins" .json)
    target=$folder/node-${name#openai-}
    version=$(node --version)
    needs=$(node -p 'require(process.argv[1]).engines.node.replace(/[^0-9]/g, "")' "$pins")
    have=$(node -p 'process.versions.node.split(".")[0]')
    if [ "$have" -lt "$needs" ]; then
        echo "skipped: $name needs Node $needs, this is $version"
        return
    fi
    is_ready "$target" "$pins" "$version" && { echo "ready: Node $name"; return; }
    rm -rf "$target"
    mkdir -p "$target"
    cp "$pins" "$target/package.json"
    if ! npm install --prefix "$target" --silent --no-audit --no-fund --no-package-lock \
        --ignore-scripts --fetch-retries 1; then
        cannot "$(basename "$target")" "npm could not install $name"
        return
    fi
    mark_ready "$target" "$pins" "$version"
    echo "installed: Node $name"
}

for tool in python3 node npm; do
    command -v "$tool" >/dev/null || die "$tool is missing"
done
# is_wanted PINS: those of an SDK or of run_schema.py, or of a file in clients/ or servers/ whose
# suite is to run
is_wanted() {
    local name suite
    name=$(basename "${1%.*}")
    [[ $name != openai-* && $name != jsonschema ]] || return 0
    suite=$(grep -ho -m 1 'suite: [a-z]*' "$here"/clients/"$name".* "$here"/servers/"$name".* \
        2>/dev/null | head -n 1)
    case ${SLUICEGATE_SLOW:-}/$suite in
    core/'suite: core' | all/'suite: core' | all/'suite: all' | hand/'suite: hand') return 0 ;;
    *) return 1 ;;
    esac
}
for pins in "$here"/python/*.txt; do ! is_wanted "$pins" || install_python "$pins"; done
for pins in "$here"/node/*.json; do ! is_wanted "$pins" || install_node "$pins"; done
