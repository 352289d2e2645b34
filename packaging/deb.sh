#!/bin/sh
# Builds dist/portscope_VERSION_ARCH.deb from the wheel in dist/, for the Debian or Ubuntu that it runs on: the package has
# portscope and the Python packages that it needs in a folder of its own, as the distribution's versions are too old.
# The same commit gives the same bytes.
set -eu
cd "$(dirname "$0")/.."
wheel=$(ls dist/portscope-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$(python3 -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
arch=$(dpkg --print-architecture)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2> /dev/null || stat -c %Y "$wheel")}"
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
home=$root/usr/lib/portscope
python3 -m venv "$root/venv"
"$root/venv/bin/pip" install -q --no-compile --target "$home" "$wheel"
rm -rf "$root/venv" "${home:?}/bin"
sed -i '/^\.\.\/\.\.\/bin\//d' "$home"/*.dist-info/RECORD # those programs are not in the package

mkdir -p "$root/usr/bin" "$root/usr/share" "$root/DEBIAN"
mkdir -p "$root/usr/share/doc/portscope"
mv "$home/share/man" "$root/usr/share/"
rm -rf "$home/share"
gzip -9n "$root/usr/share/man/man1/portscope.1"
cp LICENSE "$root/usr/share/doc/portscope/copyright"
cat > "$root/usr/bin/portscope" << 'END'
#!/usr/bin/python3 -I
"""Starts portscope from the folder of this package, whatever else Python knows."""
import sys

sys.path.insert(0, "/usr/lib/portscope")
from workbench.start import program

sys.exit(program())
END
chmod 755 "$root/usr/bin/portscope"
cat > "$root/DEBIAN/control" << END
Package: portscope
Version: $version
Architecture: $arch
Maintainer: portscope's maintainers <maintainers@portscope.invalid>
Depends: python3 (>= $python), python3 (<< $next), iproute2
Recommends: iptables, nftables, conntrack, ipset, ebtables, arptables
Section: net
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: why can, or can't, this container port be reached?
 Reads network namespaces, bridges, routes, firewalls, sockets and containers of a Linux
 host, simulates a packet and its reply as the kernel would handle them, and names the
 rule, route, setting or program that blocks a port, with the smallest fix.
END
cat > "$root/DEBIAN/prerm" << 'END'
#!/bin/sh
# What Python compiled when portscope ran is not the package's, and would stay.
set -e
find /usr/lib/portscope -depth -type d -name __pycache__ -exec rm -r {} +
END
chmod 755 "$root/DEBIAN/prerm"
find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$root" "dist/portscope_${version}_$arch.deb" > /dev/null
ls -l "dist/portscope_${version}_$arch.deb"
