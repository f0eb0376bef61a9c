#!/usr/bin/env bash
# Builds the packages of both programs, for Debian and its kin and for Fedora and its kin, into
# build/packages. The programs are files that need no shared library, so one build serves all.
#
#   toehold-agent   the agent, its manual page and completions, and a unit that runs a configuration
#   toehold         the controller; brings the agent to machines, so it needs that package
#
# The same sources give the same bytes: times are those of the last commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^project(toehold VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[ -n "$version" ] || { echo "error: no version in CMakeLists.txt" >&2; exit 1; }
machine=$(uname -m)
deb_arch=$(dpkg --print-architecture)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CMakeLists.txt)}"
export SOURCE_DATE_EPOCH
umask 022
out=$PWD/build/packages
static=build/static

summary_of() {
  case "$1" in
    toehold) echo "Builds machine images from EC2 Image Builder components, anywhere" ;;
    toehold-agent) echo "Runs EC2 Image Builder component documents; a drop-in for awstoe" ;;
  esac
}
description_of() {
  case "$1" in
    toehold)
      echo "toehold runs component documents of EC2 Image Builder in throw-away sandboxes,"
      echo "containers and machines, shows each line, and keeps the result as an image."
      ;;
    toehold-agent)
      echo "toehold-agent runs component documents of EC2 Image Builder on the machine that it"
      echo "is on: one file without needs, as on a build instance."
      ;;
  esac
}

# stage PROGRAM ROOT ZSH-FOLDER: the files of a package
stage() {
  local program=$1 root=$2 zsh=$3
  local share=$root/usr/share
  rm -rf "$root"
  if [ "$program" = toehold-agent ]; then
    install -D "$static/toehold-agent" "$root/usr/lib/toehold/toehold-agent-$machine"
    (cd "$root/usr/lib/toehold" && sha256sum "toehold-agent-$machine" >"toehold-agent-$machine.sha256")
    install -d "$root/usr/bin"
    ln -s "../lib/toehold/toehold-agent-$machine" "$root/usr/bin/toehold-agent"
    install -Dm644 packaging/toehold-agent.service "$root/usr/lib/systemd/system/toehold-agent.service"
  else
    install -D "$static/toehold" "$root/usr/bin/toehold"
    install -Dm644 -t "$share/doc/toehold/samples/components" samples/components/*.yaml
    install -Dm644 -t "$share/doc/toehold/samples/recipes" samples/recipes/*.yaml
    install -Dm644 -t "$share/doc/toehold/samples/recipes/components" samples/recipes/components/*.yaml
  fi
  install -d "$share/man/man1" "$share/bash-completion/completions" "$share/fish/vendor_completions.d" \
    "$share/$zsh" "$share/doc/$program"
  "$static/$program" describe --format man | gzip -9n >"$share/man/man1/$program.1.gz"
  "$static/$program" completion bash >"$share/bash-completion/completions/$program"
  "$static/$program" completion fish >"$share/fish/vendor_completions.d/$program.fish"
  "$static/$program" completion zsh >"$share/$zsh/_$program"
  install -m644 LICENSE "$share/doc/$program/copyright"
  find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
}

make_deb() {
  local program=$1 root=$out/deb-root
  stage "$program" "$root" zsh/vendor-completions
  mkdir "$root/DEBIAN"
  {
    echo "Package: $program"
    echo "Version: $version"
    echo "Architecture: $deb_arch"
    echo "Maintainer: toehold <toehold@localhost>"
    echo "Section: admin"
    echo "Priority: optional"
    echo "Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)"
    if [ "$program" = toehold ]; then
      echo "Depends: toehold-agent (= $version)"
      echo "Suggests: mmdebstrap, podman, uidmap"
    fi
    echo "Description: $(summary_of "$program")"
    description_of "$program" | sed 's/^/ /'
  } >"$root/DEBIAN/control"
  (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
  find "$root/DEBIAN" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${program}_${version}_$deb_arch.deb" >/dev/null
  rm -rf "$root"
}

make_rpm() {
  local program=$1 top=$out/rpm-work
  rm -rf "$top"
  mkdir -p "$top"
  stage "$program" "$top/root" zsh/site-functions
  {
    echo "Name: $program"
    echo "Version: $version"
    echo "Release: 1"
    echo "Summary: $(summary_of "$program")"
    echo "License: Apache-2.0"
    echo "AutoReqProv: no"
    [ "$program" != toehold ] || echo "Requires: toehold-agent = $version"
    echo "%description"
    description_of "$program"
    echo "%install"
    echo "cp -a '$top/root/.' '%{buildroot}'"
    echo "%files"
    (cd "$top/root" && find usr ! -type d -printf '/%p\n' | LC_ALL=C sort)
    echo "%dir /usr/share/doc/$program"
    [ "$program" != toehold-agent ] || echo "%dir /usr/lib/toehold"
  } >"$top/$program.spec"
  # What rpm would do to files (strip, compress, rewrite scripts) is done already, or not wanted.
  rpmbuild -bb --quiet --define "_topdir $top" --define "__os_install_post %{nil}" \
    --define "_build_id_links none" --define "debug_package %{nil}" --define "_buildhost localhost" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
    --define "_rpmdir $top/rpms" "$top/$program.spec"
  cp "$top"/rpms/*/"$program-$version-1.$machine.rpm" "$out/"
  rm -rf "$top"
}

packaging/static-agent.sh
NINJA_STATUS='[%f/%t] ' cmake --build --preset static --target toehold
mkdir -p "$out"
rm -f "$out"/*.deb "$out"/*.rpm
for program in toehold-agent toehold; do
  make_deb "$program"
  if command -v rpmbuild >/dev/null; then
    make_rpm "$program"
  else
    echo "$program: no rpm, because there is no rpmbuild here (apt-get install rpm)"
  fi
done
(cd "$out" && sha256sum ./*.deb ./*.rpm >SHA256SUMS 2>/dev/null) || true
ls -l "$out" | awk 'NR > 1 { print $NF ": " $5 " bytes" }'
