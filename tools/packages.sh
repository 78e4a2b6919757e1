# shellcheck shell=bash
# What ./dev installs, and how. ./dev sources this file; say and die are its own.

# Packages of Debian 12, by what needs them.
# shellcheck disable=SC2034  # ./dev uses them
declare -a packages_build packages_test packages_clang packages_check packages_bench
declare -a packages_clients

packages_build=(g++ cmake ninja-build pkg-config ca-certificates curl libboost1.81-dev libssl-dev
    libsimdjson-dev nlohmann-json3-dev libyaml-dev libspdlog-dev libcli11-dev zlib1g-dev
    libzstd-dev libbrotli-dev)
packages_test=(libgtest-dev libgmock-dev python3 python3-venv openssl procps)
packages_clang=(clang-19 libclang-rt-19-dev)
packages_check=(clang-format-19 clang-tidy-19 cppcheck shellcheck)
packages_bench=(libbenchmark-dev)
packages_clients=(chromium-headless-shell)

# Prints those of its arguments that are not installed.
missing_packages() {
    local installed
    # shellcheck disable=SC2016  # the format is dpkg-query's, not the shell's
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    local package
    for package in "$@"; do
        grep -qxF "installed $package" <<<"$installed" || printf '%s\n' "$package"
    done
}

# Shows apt's long output as a few lines.
show_apt_progress() {
    local line total=100 every=25 fetched=0 unpacked=0 configured=0
    while IFS= read -r line; do
        case $line in
        *' newly installed, '*)
            total=${line%% newly installed*}
            total=${total##* }
            every=$((total / 4 + 1))
            say "$total packages, with what they depend on"
            ;;
        'Need to get '*) say "${line%.}" ;;
        'Get:'*) ((++fetched % every)) || say "downloaded $fetched of $total" ;;
        'Unpacking '*) ((++unpacked % every)) || say "unpacked $unpacked of $total" ;;
        'Setting up '*) ((++configured % every)) || say "set up $configured of $total" ;;
        esac
    done
}

# need PACKAGE ...: installs what is not there; quick when everything is.
need() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        [ -n "${not_debian_said:-}" ] || say "not a Debian: relying on what is installed ($*)"
        not_debian_said=yes
        return
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    local by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    [ "${SLUICEGATE_INSTALL:-yes}" != no ] || die "these packages are missing: ${missing[*]}" \
        "SLUICEGATE_INSTALL=no forbids installing them; as root: $by_hand"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}" \
            "and there is no sudo to install them with; as root: $by_hand"
        as_root=(sudo)
        sudo -v || die "sudo was refused; as root: $by_hand"
    fi
    step "installing ${missing[*]}"
    mkdir -p build
    local log=build/apt.log apt=(env DEBIAN_FRONTEND=noninteractive LC_ALL=C
        apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    : >"$log"
    say "fetching the package lists"
    # A list that cannot be fetched is fatal only if a package is then missing: it may be another's.
    "${as_root[@]}" "${apt[@]}" update </dev/null >>"$log" 2>&1 || true
    ! grep -qE '^(Err:|E:|W: Failed)' "$log" ||
        say "some package lists could not be fetched: is there a network?"
    "${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null 2>&1 |
        tee -a "$log" | show_apt_progress || {
        tail -n 15 "$log" >&2
        die "apt-get install failed (all of it: $log)" \
            "Packages that cannot be located: no network, or a release other than Debian 12, on" \
            "which sluicegate is built; others name some packages differently."
    }
}
