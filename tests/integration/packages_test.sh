# The packages, installed into clean roots, used there, and removed without a trace: the .deb files
# with dpkg in a Debian, the .rpm files with rpm in a root that has only busybox.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$TOEHOLD_SOURCE/build/packages
[ -e "$packages/SHA256SUMS" ] || skip "packaging/packages.sh has not been run here"
[ "$(id -u)" = 0 ] || skip "needs root for chroot"
needs mmdebstrap busybox rpm man
(cd "$packages" && sha256sum --quiet -c SHA256SUMS)

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
mmdebstrap --quiet --variant=essential --skip=cleanup bookworm debian 2>mm.err ||
  skip "no Debian can be made here: $(tail -1 mm.err)"
mkdir debian/packages
cp "$packages"/*.deb debian/packages/
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
expect_exit 0 rpm --root "$scratch/rpm" --dbpath /var/lib/rpm -i "$packages"/*.rpm
expect_exit 0 rpm --root "$scratch/rpm" --dbpath /var/lib/rpm -V toehold toehold-agent
use rpm
expect_exit 0 rpm --root "$scratch/rpm" --dbpath /var/lib/rpm -e toehold toehold-agent
expect_equal "$(diff <(echo "$before") <(files_in rpm))" ''

# --- the same sources give the same packages
if [ -n "${TOEHOLD_FULL_TESTS:-}" ]; then
  cp "$packages/SHA256SUMS" sums
  "$TOEHOLD_SOURCE/packaging/packages.sh" >/dev/null
  expect_equal "$(cat "$packages/SHA256SUMS")" "$(cat sums)"
fi
