#!/usr/bin/env bash
# Builds the packages of both programs, for Debian and its kin and for Fedora and its kin, into
# build/packages. The programs are files that need no shared library, so one build serves all.
#
#   toehold-agent   the agent, its manual page and completions, and a unit that runs a configuration;
#                   for x86_64 and for aarch64
#   toehold         the controller, for this kind of machine, with `all` for the other, too; brings
#                   the agent to machines, so it needs that package and has the other's agent in it
#
# The same sources give the same bytes: times are those of the last commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^project(toehold VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[ -n "$version" ] || { echo "error: no version in CMakeLists.txt" >&2; exit 1; }
own=$(uname -m)
case "$own" in
  x86_64) other=aarch64 ;;
  aarch64) other=x86_64 ;;
  *) echo "error: packages are for x86_64 and aarch64, and this is $own" >&2; exit 1 ;;
esac
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CMakeLists.txt)}"
export SOURCE_DATE_EPOCH
umask 022
out=$PWD/build/packages

# Where the programs of a machine are built.
static_of() {
  if [ "$1" = "$own" ]; then echo build/static; else echo "build/static-$1"; fi
}
deb_arch_of() {
  case "$1" in x86_64) echo amd64 ;; aarch64) echo arm64 ;; esac
}
other_of() {
  if [ "$1" = "$own" ]; then echo "$other"; else echo "$own"; fi
}
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

# stage_agent ROOT MACHINE: the agent where a controller looks for it
stage_agent() {
  local folder=$1/usr/lib/toehold
  install -D "$(static_of "$2")/toehold-agent" "$folder/toehold-agent-$2"
  (cd "$folder" && sha256sum "toehold-agent-$2" >"toehold-agent-$2.sha256")
}

# stage PROGRAM MACHINE ROOT ZSH-FOLDER: the files of a package
stage() {
  local program=$1 machine=$2 root=$3 zsh=$4
  local share=$root/usr/share
  rm -rf "$root"
  if [ "$program" = toehold-agent ]; then
    stage_agent "$root" "$machine"
    install -d "$root/usr/bin"
    ln -s "../lib/toehold/toehold-agent-$machine" "$root/usr/bin/toehold-agent"
    install -Dm644 packaging/toehold-agent.service "$root/usr/lib/systemd/system/toehold-agent.service"
  else
    install -D "$(static_of "$machine")/toehold" "$root/usr/bin/toehold"
    stage_agent "$root" "$(other_of "$machine")"
    install -Dm644 -t "$share/doc/toehold/samples/components" samples/components/*.yaml
    install -Dm644 -t "$share/doc/toehold/samples/recipes" samples/recipes/*.yaml
    install -Dm644 -t "$share/doc/toehold/samples/recipes/components" samples/recipes/components/*.yaml
  fi
  install -d "$share/man/man1" "$share/bash-completion/completions" "$share/fish/vendor_completions.d" \
    "$share/$zsh" "$share/doc/$program"
  # What the programs say of themselves is the same on all machines; this one runs its own.
  local says=build/static/$program
  "$says" describe --format man | gzip -9n >"$share/man/man1/$program.1.gz"
  "$says" completion bash >"$share/bash-completion/completions/$program"
  "$says" completion fish >"$share/fish/vendor_completions.d/$program.fish"
  "$says" completion zsh >"$share/$zsh/_$program"
  install -m644 LICENSE "$share/doc/$program/copyright"
  find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
}

make_deb() {
  local program=$1 machine=$2 root=$out/deb-root
  local deb_arch
  deb_arch=$(deb_arch_of "$machine")
  stage "$program" "$machine" "$root" zsh/vendor-completions
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
  local program=$1 machine=$2 top=$out/rpm-work
  rm -rf "$top"
  mkdir -p "$top"
  stage "$program" "$machine" "$top/root" zsh/site-functions
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
    echo "%dir /usr/lib/toehold"
  } >"$top/$program.spec"
  # What rpm would do to files (strip, compress, rewrite scripts) is done already, or not wanted.
  rpmbuild -bb --quiet --target "$machine-linux" --define "_topdir $top" --define "__os_install_post %{nil}" \
    --define "_build_id_links none" --define "debug_package %{nil}" --define "_buildhost localhost" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
    --define "_rpmdir $top/rpms" "$top/$program.spec" >/dev/null
  cp "$top"/rpms/*/"$program-$version-1.$machine.rpm" "$out/"
  rm -rf "$top"
}

# make_packages PROGRAM MACHINE
make_packages() {
  make_deb "$@"
  if command -v rpmbuild >/dev/null; then
    make_rpm "$@"
  else
    echo "$1: no rpm, because there is no rpmbuild here (apt-get install rpm)"
  fi
}

controllers=("$own")
case "${1:-}" in
  '') ;;
  all) controllers+=("$other") ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
packaging/static-agent.sh
packaging/static-agent.sh "$other"
for machine in "${controllers[@]}"; do
  NINJA_STATUS='[%f/%t] ' cmake --build "$(static_of "$machine")" --target toehold
done
mkdir -p "$out"
rm -f "$out"/*.deb "$out"/*.rpm
for machine in "$own" "$other"; do make_packages toehold-agent "$machine"; done
for machine in "${controllers[@]}"; do make_packages toehold "$machine"; done
(cd "$out" && sha256sum ./*.deb ./*.rpm >SHA256SUMS 2>/dev/null) || true
ls -l "$out" | awk 'NR > 1 { print $NF ": " $5 " bytes" }'
