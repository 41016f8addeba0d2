#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A signed repository laid out as nginx.org's, served on port 8088. nginx.org is out of reach here, so its packages are Debian's nginx with
# nginx.org's layout: one package, user nginx, no modules-enabled, no sites, conf.d/default.conf. Two versions have the same content.
set -eu
export DEBIAN_FRONTEND=noninteractive GNUPGHOME=/root/repository-key
. /etc/os-release
top=/srv/repository
site=$top/packages/debian
work=$(mktemp -d)
arch=$(dpkg --print-architecture)
index=$site/dists/$VERSION_CODENAME/nginx/binary-$arch
mkdir -p "$index" "$site/pool"

apt-get update -qq
apt-get install -qq --no-install-recommends gnupg >/dev/null
cd "$work"
apt-get download -qq nginx nginx-common
mkdir -p tree/DEBIAN
for package in *.deb; do dpkg-deb --extract "$package" tree; done
needs=$(dpkg-deb --field nginx_*.deb Depends | tr ',' '\n' | grep -v nginx | paste -sd,)
rm -rf tree/etc/nginx/modules-* tree/etc/nginx/sites-* tree/usr/share/doc tree/etc/ufw
mkdir -p tree/etc/nginx/conf.d tree/var/log/nginx tree/var/lib/nginx
echo 'server { listen 80 default_server; return 418; }' >tree/etc/nginx/conf.d/default.conf
cat >tree/DEBIAN/postinst <<'END'
#!/bin/sh
set -e
id nginx >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin nginx
systemctl daemon-reload
[ -z "$2" ] || systemctl try-restart nginx
END
chmod 755 tree/DEBIAN/postinst
(cd tree && find etc -type f | sed 's:^:/:') >tree/DEBIAN/conffiles
for version in 90.1-1 90.2-1; do
    cat >tree/DEBIAN/control <<END
Package: nginx
Version: $version~$VERSION_CODENAME
Architecture: $arch
Maintainer: The lab <lab@example.com>
Conflicts: nginx-common
Depends: $needs
Description: nginx as nginx.org lays it out
END
    dpkg-deb --build tree "$site/pool/nginx_$version.deb" >/dev/null
done
cd "$site"
for file in pool/*.deb; do
    dpkg-deb --field "$file"
    echo "Filename: $file"
    echo "Size: $(stat --format=%s "$file")"
    echo "SHA256: $(sha256sum "$file" | cut -d' ' -f1)"
    echo
done >"$index/Packages"

mkdir "$GNUPGHOME"
chmod 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-gen-key repository@example.com ed25519 sign
gpg --batch --quiet --armor --export >"$top/key.asc"
cd "$site/dists/$VERSION_CODENAME"
list=nginx/binary-$arch/Packages
{
    printf 'Origin: nginx\nSuite: %s\nCodename: %s\nArchitectures: %s\nComponents: nginx\n' \
        "$VERSION_CODENAME" "$VERSION_CODENAME" "$arch"
    date --utc '+Date: %a, %d %b %Y %H:%M:%S UTC'
    echo "SHA256:"
    echo " $(sha256sum "$list" | cut -d' ' -f1) $(stat --format=%s "$list") $list"
} >Release
gpg --batch --quiet --clearsign --output InRelease Release
systemd-run --quiet --unit=repository python3 -m http.server --directory "$top" 8088
gpg --batch --with-colons --list-keys | grep -m1 ^fpr | cut -d: -f10 >"$top/fingerprint"
