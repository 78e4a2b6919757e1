#!/usr/bin/env bash
# collect_runtime.sh BINARY ROOT: makes ROOT a file tree in which BINARY runs as
# /usr/bin/sluicegate. The dpkg record of each library's package goes with it, so that scanners see
# what is inside.
set -euo pipefail
binary=$1
root=$2

install -D -m 755 -s "$binary" "$root/usr/bin/sluicegate"

# ldd prints "name => path (address)", and the loader as "path (address)".
mapfile -t libraries < <(ldd "$binary" | awk '
    $2 == "=>" && $3 == "not" {print "missing: " $1 > "/dev/stderr"; exit 1}
    $2 == "=>" {print $3}
    $1 ~ /^\// {print $1}')
[ ${#libraries[@]} -gt 0 ] || { echo "$binary needs no libraries? ldd failed" >&2; exit 1; }

mkdir -p "$root/var/lib/dpkg/status.d"
for library in "${libraries[@]}"; do
    file=$(realpath "$library")
    install -D -m 755 "$file" "$root$library"
    # dpkg knows a library under /lib or under /usr/lib, according to how its package was built.
    package=$(dpkg-query -S "$file" "${file#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1) || true
    [ -n "$package" ] || { echo "no package owns $library" >&2; exit 1; }
    dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
    copyright=/usr/share/doc/$package/copyright
    # The documents of g++'s libraries are a link to gcc-12-base's, which a slim image leaves out.
    [ -f "$copyright" ] || copyright=/usr/share/doc/gcc-12-base/copyright
    install -D -m 644 "$copyright" "$root/usr/share/doc/$package/copyright"
done

# OpenSSL looks for the CA list here when the configuration says `ca_file: system`.
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
dpkg-query -s ca-certificates >"$root/var/lib/dpkg/status.d/ca-certificates"

install -D -m 644 /etc/debian_version "$root/etc/debian_version"
install -D -m 644 /etc/os-release "$root/etc/os-release"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
printf 'sluicegate:x:65532:65532::/nonexistent:/usr/sbin/nologin\n' >"$root/etc/passwd"
printf 'sluicegate:x:65532:\n' >"$root/etc/group"
