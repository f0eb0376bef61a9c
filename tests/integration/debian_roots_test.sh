# The static agent in root file systems of Debian's releases, which this machine's mirror makes (they
# are kept in build/test-roots): scripts, look-ups of users and hosts although nsswitch.conf names
# modules that only the release's own C library can load, and certificates put there as its
# administrator does. A release that cannot be had is left out, with the reason.
. "$(dirname "$0")/static_agents.sh"
agent=$TOEHOLD_SOURCE/build/static/toehold-agent
[ -x "$agent" ] || skip "no static agent here: packaging/static-agent.sh builds it"
[ "$(id -u)" = 0 ] || skip "chroot needs root"
needs mmdebstrap apt-cache
releases=(bullseye bookworm trixie sid)
kept=$TOEHOLD_SOURCE/build/test-roots
mkdir -p "$kept"
# The mirror of the main archive here: older releases are not whole on that of security updates.
mirror=$(apt-cache madison base-files | awk '!found && $5 !~ /security/ && /Packages/ { print $5; found = 1 }')

# make_root RELEASE: into $kept; the log is RELEASE.log
make_root() {
  [ ! -s "$kept/$1.tar" ] || return 0
  # A mirror may stand still for longer than the release files of sid say that they are good for.
  mmdebstrap --variant=essential --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=ca-certificates,libnss-sss,libnss-resolve,libnss-mymachines,libnss-systemd \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$1" "$kept/$1.new.tar" ${mirror:+"$mirror"} >"$1.log" 2>&1 &&
    mv "$kept/$1.new.tar" "$kept/$1.tar"
}
makers=()
for release in "${releases[@]}"; do
  make_root "$release" &
  makers+=("$!")
done
wait "${makers[@]}" || true

serve_tls
check_release() {
  local root=$1
  mkdir "$root"
  tar -C "$root" -xf "$kept/$root.tar"
  name_modules "$root"
  grep -q localhost "$root/etc/hosts" 2>/dev/null || echo '127.0.0.1 localhost' >>"$root/etc/hosts"
  cp "$agent" "$root/toehold-agent"
  document >"$root/work.yml" <<Y
      - {name: Release, action: ExecuteBash, inputs: {commands: ['cat /etc/debian_version']}}
      - {name: Write, action: CreateFile, inputs: [{path: /made, content: '{{ build.Release.outputs.stdout }}'}]}
      - {name: Own, action: SetFileOwner, inputs: [{path: /made, owner: games, group: tape}]}
      - {name: Get, action: WebDownload, inputs: [{source: "https://localhost:$tls_port/file", destination: /got}]}
Y
  expect_exit 1 in_root "$root" /toehold-agent run /work.yml -s /s -l /l
  expect_contains "$(cat "$root"/l/TOE_*/console.log)" certificate
  cp cert.pem "$root/usr/local/share/ca-certificates/mine.crt"
  expect_exit 0 chroot "$root" update-ca-certificates
  rm -r "$root"/{s,l,made}
  expect_exit 0 in_root "$root" /toehold-agent run /work.yml -s /s -l /l
  expect_equal "$(cat "$root/made")" "$(cat "$root/etc/debian_version")"
  expect_equal "$(stat -c %u:%g "$root/made")" 5:26
  expect_equal "$(cat "$root/got")" "the file"
  echo "$root: runs in $(cat "$root/etc/debian_version")"
  rm -rf "$root"
}
ran=0
for release in "${releases[@]}"; do
  if [ -s "$kept/$release.tar" ]; then
    check_release "$release"
    ran=$((ran + 1))
  else
    reason=$(grep -m1 '^E: ' "$release.log" || tail -1 "$release.log")
    echo "$release is left out: $reason"
  fi
done
[ "$ran" -gt 0 ] || skip "no release can be had: $reason"
