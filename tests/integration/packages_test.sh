# The packages, installed into clean roots, used there, and removed without a trace: the .deb files
# with dpkg in a Debian, the .rpm files with rpm in a root that has only busybox. Those for the other
# kind of machine are looked into, and their programs started in an emulator.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$TOEHOLD_SOURCE/build/packages
[ -e "$packages/SHA256SUMS" ] || skip "packaging/packages.sh has not been run here"
[ "$(id -u)" = 0 ] || skip "needs root for chroot"
needs mmdebstrap busybox rpm man
(cd "$packages" && sha256sum --quiet -c SHA256SUMS)
machine=$(uname -m) arch=$(dpkg --print-architecture)

cat >hello.yaml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Folder, action: CreateFolder, inputs: [{path: /opt/made}]}
      - {name: Proof, action: Assert, inputs: {folderExists: /opt/made}}
Y
# Without folders: where no package owns /usr, rpm leaves it.
files_in() { (cd "$1" && find . -xdev ! -type d ! -path './var/*' ! -path './etc/*' ! -path './opt*' ! -path './tmp/*' | LC_ALL=C sort); }
# use ROOT: what a user does first with both programs
use() {
  local root=$1 file
  cp hello.yaml "$root/tmp/hello.yaml"
  expect_exit 0 chroot "$root" toehold-agent run --documents /tmp/hello.yaml -s /tmp/state -l /tmp/logs
  [ -d "$root/opt/made" ] || fail "the agent has made nothing"
  expect_exit 0 chroot "$root" toehold validate /tmp/hello.yaml
  expect_exit 0 chroot "$root" toehold --version
  expect_contains "$out" "toehold $version (commit "
  expect_contains "$out" 'OpenSSL 3.'
  expect_exit 0 chroot "$root" toehold __complete describe CreateFo
  expect_contains "$out" CreateFolder
  # The agents of both kinds of machine, for the controller to send.
  expect_equal "$(cd "$root/usr/lib/toehold" && echo *)" \
    'toehold-agent-aarch64 toehold-agent-aarch64.sha256 toehold-agent-x86_64 toehold-agent-x86_64.sha256'
  (cd "$root/usr/lib/toehold" && sha256sum --quiet -c ./*.sha256)
  for program in toehold toehold-agent; do
    file=$root/usr/share/man/man1/$program.1.gz
    MAN_KEEP_FORMATTING='' man --warnings -l "$file" >page 2>page.err </dev/null
    expect_equal "$(cat page.err)" ''
    expect_contains "$(cat page)" 'EXIT STATUS'
    bash -n "$root/usr/share/bash-completion/completions/$program"
    grep -q "^#compdef $program\$" "$root"/usr/share/zsh/*/"_$program"
  done
  grep -q '^ExecStart=/usr/bin/toehold-agent run ' "$root/usr/lib/systemd/system/toehold-agent.service"
}
version=$("$TOEHOLD_AGENT" --version)

# --- Debian
make_debian() { rm -rf debian && mmdebstrap --quiet --variant=essential --skip=cleanup bookworm debian; }
thrice make_debian 2>mm.err ||
  skip "no Debian can be made here: $(tail -1 mm.err)"
mkdir debian/packages
cp "$packages"/*_"$arch".deb debian/packages/
before=$(files_in debian)
expect_exit 0 chroot debian sh -c 'dpkg -i /packages/toehold*.deb'
expect_exit 0 chroot debian dpkg --verify
use debian
expect_exit 0 chroot debian dpkg --purge toehold toehold-agent
expect_equal "$(diff <(echo "$before") <(files_in debian))" ''

# The controller brings the agent that the other package has, and does without it not come.
expect_exit 1 chroot debian sh -c "dpkg -i /packages/toehold_${version}_*.deb"
expect_contains "$err" 'depends on toehold-agent'

# --- a root with nothing but busybox and an rpm database
mkdir -p rpm/bin rpm/tmp rpm/usr
cp "$(command -v busybox)" rpm/bin/busybox
ln -s busybox rpm/bin/sh
before=$(files_in rpm)
expect_exit 0 rpm --root "$scratch/rpm" --dbpath /var/lib/rpm -i "$packages"/*."$machine".rpm
expect_exit 0 rpm --root "$scratch/rpm" --dbpath /var/lib/rpm -V toehold toehold-agent
use rpm
expect_exit 0 rpm --root "$scratch/rpm" --dbpath /var/lib/rpm -e toehold toehold-agent
expect_equal "$(diff <(echo "$before") <(files_in rpm))" ''

# --- for the other kind of machine
check_other() {
  local machine=$1 arch=$2 emulator=$3 deb
  deb=$(echo "$packages"/toehold-agent_*_"$arch".deb)
  expect_equal "$(dpkg-deb -f "$deb" Architecture)" "$arch"
  dpkg-deb -x "$deb" other-deb
  expect_equal "$(rpm -qp --qf '%{ARCH}' "$packages"/toehold-agent-*."$machine".rpm)" "$machine"
  mkdir -p other-rpm
  expect_exit 0 rpm --root "$scratch/other-rpm" --dbpath /var/lib/rpm --ignorearch -i "$packages"/toehold-agent-*."$machine".rpm
  expect_equal "$(readlink -f other-rpm/usr/bin/toehold-agent)" "$scratch/other-rpm/usr/lib/toehold/toehold-agent-$machine"
  cmp other-deb/usr/bin/toehold-agent other-rpm/usr/bin/toehold-agent
  (cd other-deb/usr/lib/toehold && sha256sum --quiet -c "toehold-agent-$machine.sha256")
  expect_exit 0 "$emulator" other-deb/usr/bin/toehold-agent --version
  expect_equal "$out" "$version"
}
if [ "$machine" = x86_64 ]; then
  needs qemu-aarch64-static
  check_other aarch64 arm64 qemu-aarch64-static
fi

# --- the same sources give the same packages
if [ -n "${TOEHOLD_FULL_TESTS:-}" ]; then
  cp "$packages/SHA256SUMS" sums
  "$TOEHOLD_SOURCE/packaging/packages.sh" >/dev/null
  expect_equal "$(cat "$packages/SHA256SUMS")" "$(cat sums)"
fi
