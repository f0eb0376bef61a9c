#!/usr/bin/env bash
# Builds toehold-agent as one file that needs nothing of the machine it runs on:
# build/static/toehold-agent, and its SHA-256 in toehold-agent.sha256. What has not changed is not
# built again.
#
# Debian's libcurl speaks thirty protocols through as many libraries, most of them without a static
# form. So its source package is fetched, in the version of the installed headers, and built for
# HTTP and TLS alone. The machine's own apt settings stay as they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

place=$PWD/build/static-curl
arch=$(dpkg --print-architecture)
version=$(dpkg-query -W -f '${source:Version}' libcurl4-openssl-dev)

# fetch_source FOLDER: unpacks curl's source package of that version into FOLDER/curl-*
fetch_source() {
  local folder=$1 options=()
  mkdir -p "$folder"/{lists,cache}/partial
  apt-cache madison libcurl4-openssl-dev |
    awk -F'[| ]+' '{ sub("/", " ", $4); print "deb-src", $3, $4 }' | sort -u >"$folder/sources.list"
  [ -s "$folder/sources.list" ] || {
    echo "error: apt knows no libcurl4-openssl-dev; run apt-get update and try again" >&2
    exit 1
  }
  options=(-q -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache"
    -o APT::Update::Post-Invoke-Success::= -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$folder" && apt-get "${options[@]}" --only-source source "curl=$version")
}

build_curl() {
  local work source
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  fetch_source "$work"
  source=$(echo "$work"/curl-*/)
  cmake -S "$source" -B "$work/build" -G Ninja -Wno-dev \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$place" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_C_FLAGS="-ffunction-sections -fdata-sections -fstack-protector-strong -ffile-prefix-map=$work=." \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DBUILD_CURL_EXE=OFF \
    -DBUILD_TESTING=OFF -DENABLE_MANUAL=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON \
    -DCURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
    -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF \
    -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_GSSAPI=OFF -DENABLE_UNIX_SOCKETS=OFF
  cmake --build "$work/build"
  rm -rf "$place"
  cmake --install "$work/build"
  echo "$version" >"$place/version"
}

if [ "$(cat "$place/version" 2>/dev/null)" != "$version" ]; then
  echo "libcurl $version for $arch: build, into build/static-curl"
  log=$(mktemp)
  (build_curl) >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
fi

configured=$(cmake --preset static -Wno-dev -DTOEHOLD_STATIC_CURL="$place" 2>&1) || {
  echo "$configured" >&2
  exit 1
}
NINJA_STATUS='[%f/%t] ' cmake --build --preset static --target toehold-agent
(cd build/static && sha256sum toehold-agent >toehold-agent.sha256.new &&
  mv toehold-agent.sha256.new toehold-agent.sha256)
echo "build/static/toehold-agent: $(stat -c %s build/static/toehold-agent) bytes"
