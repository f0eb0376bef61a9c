#!/usr/bin/env bash
# Builds toehold-agent as one file that needs nothing of the machine it runs on, and its SHA-256 in
# a file beside it. What has not changed is not built again.
#
#   packaging/static-agent.sh           for this kind of machine, into build/static
#   packaging/static-agent.sh aarch64   for another (x86_64, aarch64), into build/static-MACHINE
#
# Debian's libcurl speaks thirty protocols through as many libraries, most of them without a static
# form. So its source package is fetched, in the version of the headers here, and built for HTTP and
# TLS alone. For another kind of machine, that one's packages are unpacked into a folder, the
# sysroot, and nothing is installed. The machine's own apt settings stay as they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

machine=${1:-$(uname -m)}
case "$machine" in
  x86_64) deb_arch=amd64 ;;
  aarch64) deb_arch=arm64 ;;
  *) echo "error: there is no static agent for '$machine', only for x86_64 and aarch64" >&2; exit 2 ;;
esac
build=build/static
curl=$PWD/build/static-curl
for_machine=()
sysroot=''
if [ "$machine" != "$(uname -m)" ]; then
  build=build/static-$machine
  sysroot=$PWD/build/sysroot-$machine
  curl=$sysroot/usr/local
  for_machine=(-DCMAKE_TOOLCHAIN_FILE="$PWD/packaging/cross.cmake" -DTOEHOLD_MACHINE="$machine"
    -DTOEHOLD_SYSROOT="$sysroot")
  command -v "$machine-linux-gnu-g++" >/dev/null || {
    echo "error: there is no compiler for $machine here; install g++-${machine//_/-}-linux-gnu" >&2
    exit 1
  }
fi
curl_version=$(dpkg-query -W -f '${source:Version}' libcurl4-openssl-dev)

# quietly COMMAND...: shows what it printed if it fails
quietly() {
  local log
  log=$(mktemp)
  ("$@") >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
}

# own_apt FOLDER TYPE: sets $apt, an apt-get with lists and settings of its own in FOLDER that knows
# the sources (TYPE deb or deb-src) of Debian's packages here
own_apt() {
  local folder=$1 type=$2
  mkdir -p "$folder"/{lists,cache/archives}/partial
  : >"$folder/status"
  apt-cache madison libcurl4-openssl-dev |
    awk -F'[| ]+' -v type="$type" '{ sub("/", " ", $4); print type, $3, $4 }' | sort -u >"$folder/sources.list"
  [ -s "$folder/sources.list" ] || {
    echo "error: apt knows no libcurl4-openssl-dev; run apt-get update and try again" >&2
    exit 1
  }
  apt=(apt-get -q -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache"
    -o APT::Update::Post-Invoke-Success::= -o APT::Sandbox::User=root)
}

# The packages of the other machine, and the versions that this machine has of them: when those
# change, there are new ones for the other, too.
sysroot_packages() {
  packaging/dependencies.sh libraries
  echo "libstdc++-$("$machine-linux-gnu-g++" -dumpversion | cut -d. -f1)-dev"
}
sysroot_key() { sysroot_packages | xargs dpkg-query -W; }

make_sysroot() {
  local work package
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  own_apt "$work" deb
  apt+=(-o Dir::State::status="$work/status" -o APT::Architecture="$deb_arch"
    -o APT::Architectures="$deb_arch" -o APT::Install-Recommends=false)
  "${apt[@]}" update
  sysroot_packages | xargs "${apt[@]}" install --yes --download-only
  rm -rf "$sysroot"
  mkdir -p "$sysroot"
  for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
  sysroot_key >"$sysroot/key"
}

build_curl() {
  local work source
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  own_apt "$work" deb-src
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" --only-source source "curl=$curl_version")
  source=$(echo "$work"/curl-*/)
  cmake -S "$source" -B "$work/build" -G Ninja -Wno-dev "${for_machine[@]}" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="${curl#"$sysroot"}" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_C_FLAGS="-ffunction-sections -fdata-sections -fstack-protector-strong -ffile-prefix-map=$work=." \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DBUILD_CURL_EXE=OFF \
    -DBUILD_TESTING=OFF -DENABLE_MANUAL=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON \
    -DCURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
    -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF \
    -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_GSSAPI=OFF -DENABLE_UNIX_SOCKETS=OFF
  cmake --build "$work/build"
  rm -rf "$curl"
  DESTDIR=$sysroot cmake --install "$work/build"
  echo "$curl_version" >"$curl/version"
}

if [ -n "$sysroot" ] && [ "$(cat "$sysroot/key" 2>/dev/null)" != "$(sysroot_key)" ]; then
  echo "packages of $deb_arch: unpack, into ${sysroot#"$PWD/"}"
  quietly make_sysroot
fi
if [ "$(cat "$curl/version" 2>/dev/null)" != "$curl_version" ]; then
  echo "libcurl $curl_version for $machine: build, into ${curl#"$PWD/"}"
  quietly build_curl
fi
quietly cmake --preset static -B "$build" -Wno-dev -DTOEHOLD_STATIC_CURL="$curl" "${for_machine[@]}"
NINJA_STATUS='[%f/%t] ' cmake --build "$build" --target toehold-agent
(cd "$build" && sha256sum toehold-agent >toehold-agent.sha256.new &&
  mv toehold-agent.sha256.new toehold-agent.sha256)
echo "$build/toehold-agent: $(stat -c %s "$build/toehold-agent") bytes"
