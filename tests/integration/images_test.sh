#!/usr/bin/env bash
# What a build leaves: outputs with the same bytes each time, an archive that podman loads, a
# manifest, and a list of images that can be compared.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || skip "the sandbox of root needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
needs python3

export TOEHOLD_HOME=$scratch/home
unset SOURCE_DATE_EPOCH

# A base that is nobody's machine: a shell with what it needs, and things that tar must keep.
mkdir -p base/bin base/etc base/tmp base/opt/old base/usr/local
for program in bash sh cat ls chmod rm mkdir ln; do
  cp -L "$(command -v "$program")" base/bin/
  for library in $(ldd "$(command -v "$program")" | grep -o '/[^ ]*'); do
    mkdir -p "base$(dirname "$library")"
    cp -L "$library" "base$library"
  done
done
chmod 1777 base/tmp
echo kept >base/opt/kept && echo gone >base/opt/gone && echo old >base/opt/old/file
ln base/opt/kept base/opt/kept2
mkdir -p base/var/lib/dpkg
printf 'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n' \
  >base/var/lib/dpkg/status
find base -exec touch -h -d @1500000000 {} +

cat >component.yaml <<'Y'
schemaVersion: 1.0
parameters:
  - Text: {type: string, default: first}
  - DbPassword: {type: string, default: none}
phases:
  - name: build
    steps:
      - name: Files
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - mkdir -p /opt/new
            - echo '{{ Text }}' >/opt/new/text
            - echo made >/opt/new/made
            - ln /opt/new/made /opt/new/linked
            - ln -s made /opt/new/link
            - chmod 4755 /opt/new/made
            - rm /opt/gone
            - rm -r /opt/old
            - mkdir /opt/old
            - echo new >/opt/old/other
      - name: Package
        action: AppendFile
        inputs:
          - path: /var/lib/dpkg/status
            content: "\nPackage: jq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.6\n"
Y
cat >recipe.yaml <<'Y'
name: My Web
version: 1.0.0
components:
  - component: component.yaml
    parameters: [{name: DbPassword, value: hunter22hunter}]
target: {type: sandbox, base: base}
outputs:
  - oci-archive
  - {type: rootfs, path: root.tar}
  - {type: changes, path: changes.tar.gz}
tags: {team: web}
Y
build() { "$TOEHOLD" build --view plain recipe.yaml "$@"; }
# Everything that a tree can differ in, but the times of folders.
listing() {
  (cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %l\n' | LC_ALL=C sort &&
    find . -type f -exec sha256sum {} + | LC_ALL=C sort -k 2)
}

# --- two builds, in two caches, seconds apart: the same bytes
expect_exit 0 build
mkdir first && mv root.tar changes.tar.gz first/
archive=$(echo home/images/*/*.oci.tar)
cp "$archive" first/web.oci.tar
sleep 1.1
TOEHOLD_HOME=$scratch/home2 expect_exit 0 build
cmp root.tar first/root.tar || fail "two builds made different root file systems"
cmp changes.tar.gz first/changes.tar.gz || fail "two builds made different changes"
cmp home2/images/*/*.oci.tar first/web.oci.tar || fail "two builds made different archives"
expect_equal "$(stat -c %a root.tar)" 600
expect_equal "$(tar --full-time -tvf root.tar | grep -cv '2017-07-14')" 0 # the base's newest time

# --- the three kinds say the same
mkdir root merged
tar --xattrs -xpf root.tar -C root
cp -a base/. merged/
tar -xzf changes.tar.gz -C merged
rm merged/opt/gone merged/opt/.wh.gone
[ -e merged/opt/old/.wh..wh..opq ] || fail "the folder made anew is not opaque"
rm merged/opt/old/file merged/opt/old/.wh..wh..opq
diff <(listing root) <(listing merged) || fail "base and changes are not the root file system"
expect_equal "$(cat root/opt/new/text) $(ls root/opt)" "first kept
kept2
new
old"
expect_equal "$(stat -c '%a %h' root/opt/new/made)" "4755 2"

# --- the list, and what two images differ in
expect_exit 0 "$TOEHOLD" images
expect_contains "$out" "My Web"
expect_contains "$out" "oci-archive, rootfs, changes"
sed -i 's/version: 1.0.0/version: 1.0.1/; s/value: hunter22hunter}/&, {name: Text, value: second}/' recipe.yaml
expect_exit 0 build --set outputs=changes
expect_exit 1 "$TOEHOLD" diff --exit-code "My Web:1.0.0" "My Web:1.0.1"
expect_contains "$out" "~ /opt/new/text (content)"
expect_lacks "$out" "/opt/new/made"
expect_exit 0 "$TOEHOLD" diff --exit-code "My Web" "My Web:1.0.1"
expect_exit 0 "$TOEHOLD" images --format json
python3 - home/images/*/manifest.json <<'P' || fail "a manifest is wrong"
import hashlib, json, sys
for path in sys.argv[1:]:
    m = json.load(open(path))
    packages = lambda key: [p["name"] for p in m[key]["packages"]]
    assert packages("packagesBefore") == ["bash"], m["packagesBefore"]
    assert packages("packagesAfter") == ["bash", "jq"], m["packagesAfter"]
    assert m["documents"][0]["parameters"]["DbPassword"] == "***"
    assert "hunter22" not in json.dumps(m)
    changes = {f["path"]: f["change"] for s in m["steps"] for f in s["files"]}
    assert changes["/opt/gone"] == changes["/opt/old/file"] == "removed", changes
    assert changes["/opt/new/text"] == "added", changes
    assert changes["/var/lib/dpkg/status"] == "changed", changes
    for output in m["outputs"]:
        if m["version"] == "1.0.0" and output["type"] == "oci-archive":
            data = open(output["path"], "rb").read()
            assert hashlib.sha256(data).hexdigest() == output["sha256"], output
            assert len(data) == output["size"], output
P
expect_exit 0 "$TOEHOLD" images --remove "My Web:1.0.1"
expect_exit 2 "$TOEHOLD" diff "My Web:1.0.0" "My Web:1.0.1"

# --- on this machine's own root, what hides its private parts is no change
expect_exit 0 "$TOEHOLD" build --view plain "$TOEHOLD_SOURCE/samples/recipes/site.yaml"
expect_equal "$(tar -tzf home/images/*/site-1.0.0-changes.tar.gz | tr '\n' ' ')" \
  "srv/ srv/site/ srv/site/index.html srv/site/index.html.gz "

# --- podman takes the archive for what it is
command -v podman >/dev/null || skip "the archive was not loaded: no podman here"
podman() { command podman --root "$scratch/pr" --runroot "$scratch/prr" --storage-driver vfs "$@"; }
trap 'podman image umount --all >/dev/null 2>&1 || true; rm -rf "$scratch" || true' EXIT
expect_exit 0 podman load -q -i first/web.oci.tar
expect_contains "$out" "localhost/my-web:1.0.0"
expect_equal "$(podman image inspect my-web:1.0.0 --format '{{.Labels.team}} {{.Os}}')" "web linux"
diff <(listing root) <(listing "$(podman image mount my-web:1.0.0)") ||
  fail "podman sees other files than are in the root file system"
