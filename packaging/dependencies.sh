#!/usr/bin/env bash
# The Debian packages that toehold needs, and nothing else knows: installs those that are missing.
#
#   packaging/dependencies.sh build       to build and run it
#   packaging/dependencies.sh packages    to build its packages
#   packaging/dependencies.sh tests       all that, and to run its tests and benches
#   packaging/dependencies.sh list        prints the names of them all, installs nothing
#   packaging/dependencies.sh libraries   prints those whose code is in the programs
set -euo pipefail

libraries=(
  libyaml-cpp-dev libcli11-dev libspdlog-dev libre2-dev libssl-dev libarchive-dev libssh2-1-dev
)
for_build=(
  g++ cmake ninja-build ccache pkg-config git dpkg-dev libcurl4-openssl-dev
)
for_tests=(
  catch2 python3 python3-venv python3-jsonschema python3-yaml openssl strace mmdebstrap podman
  runc uidmap busybox-static zsh fish man-db openssh-server openssh-client nginx-light curl
  sudo iproute2 qemu-system-x86 qemu-utils grub-pc-bin grub-common e2fsprogs
)
# Its service would change the machine's packet filter: where services run, it is for you to install.
[ -d /run/systemd/system ] || for_tests+=(docker.io)

# Debian 12 calls 1.74 plain libboost-dev; 1.81 is the first with Process v2.
boost() {
  local ID='' VERSION_ID=''
  # shellcheck disable=SC1091
  [ ! -r /etc/os-release ] || . /etc/os-release
  if [ "$ID" = debian ] && [ "$VERSION_ID" = 12 ]; then
    echo libboost1.81-dev
  else
    echo libboost-dev
  fi
}
libraries+=("$(boost)")
for_build+=("${libraries[@]}")

# The agent for the other kind of machine, and on x86_64 an emulator that starts it.
for_packages=("${for_build[@]}" rpm)
case "$(uname -m)" in
  x86_64)
    for_packages+=(g++-aarch64-linux-gnu)
    for_tests+=(qemu-user-static)
    ;;
  aarch64) for_packages+=(g++-x86-64-linux-gnu) ;;
esac
for_tests+=("${for_packages[@]}")

# The formatter of CI is version 14; Debian 13 has only later ones, which format differently.
case "$(boost)" in libboost1.81-dev) for_tests+=(clang-format-14) ;; esac

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

install_missing() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ "${#missing[@]}" = 0 ]; then
    echo "packages: all $# are installed"
    return
  fi
  echo "packages: installing ${#missing[@]} of $#: ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "error: that needs root, and there is no sudo; as root, do" >&2
    echo "  apt-get update && apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root apt-get update -q
  # --no-remove: a development package that is in the way is its owner's to remove.
  if ! as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends --no-remove "${missing[@]}"; then
    if is_installed libboost1.74-dev; then
      echo "error: libboost1.81-dev cannot stand beside libboost1.74-dev; remove that one first:" >&2
      echo "  apt-get remove libboost1.74-dev" >&2
    fi
    exit 1
  fi
}

case "${1:-}" in
  build) wanted=("${for_build[@]}") ;;
  packages) wanted=("${for_packages[@]}") ;;
  tests) wanted=("${for_tests[@]}") ;;
  list)
    printf '%s\n' "${for_tests[@]}"
    exit
    ;;
  libraries)
    printf '%s\n' "${libraries[@]}"
    exit
    ;;
  *)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "packages: this is no Debian; the build needs what Debian calls: ${wanted[*]}"
  exit
fi
install_missing "${wanted[@]}"
