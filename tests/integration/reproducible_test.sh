# The same sources give the same static agents, whatever the folder and without a compiler's cache:
# a part of the object files is compiled again elsewhere, and the programs are linked again. With
# TOEHOLD_FULL_TESTS all of both, libcurl too, is fetched and built a second time.
. "$(dirname "$0")/lib.sh"
needs ninja git cmake
own=$(uname -m)
every=20  # the part: one file of so many

# The working tree without what is built of it.
elsewhere=$scratch/quite/another/folder
mkdir -p "$elsewhere"
git -C "$TOEHOLD_SOURCE" ls-files -z --cached --others --exclude-standard >files 2>git.err ||
  skip "the sources are not in git: $(cat git.err)"
(cd "$TOEHOLD_SOURCE" && tar --null -T "$scratch/files" --ignore-failed-read -cf -) 2>/dev/null | tar -C "$elsewhere" -xf -
# The commit is in the programs.
GIT_DIR=$(git -C "$TOEHOLD_SOURCE" rev-parse --absolute-git-dir)
export GIT_DIR CCACHE_DISABLE=1
commit=$(git rev-parse --short=12 HEAD)

same() { cmp "$1" "$2" >cmp.out 2>&1 || fail "not the same, unless sources have changed since packaging/packages.sh: $(cat cmp.out)"; }

# check_all MACHINE FOLDER
check_all() {
  "$elsewhere/packaging/static-agent.sh" "$1" >build.log 2>&1 || fail "$(tail -20 build.log)"
  same "$TOEHOLD_SOURCE/$2/toehold-agent" "$elsewhere/$2/toehold-agent"
  echo "$1: the program is the same"
}

# configure MACHINE FOLDER: as it was there, with the libraries that are there
configure() {
  local sysroot=$TOEHOLD_SOURCE/build/sysroot-$1
  if [ "$1" = "$own" ]; then
    set -- -B "$elsewhere/$2" -DTOEHOLD_STATIC_CURL="$TOEHOLD_SOURCE/build/static-curl"
  else
    set -- -B "$elsewhere/$2" -DTOEHOLD_STATIC_CURL="$sysroot/usr/local" -DTOEHOLD_SYSROOT="$sysroot" \
      -DTOEHOLD_MACHINE="$1" -DCMAKE_TOOLCHAIN_FILE="$elsewhere/packaging/cross.cmake"
  fi
  cmake --preset static -S "$elsewhere" -Wno-dev "$@" >configure.log 2>&1 || fail "$(tail -20 configure.log)"
}

# check_part MACHINE FOLDER
check_part() {
  local first=$TOEHOLD_SOURCE/$2 second=$elsewhere/$2 objects object count=0
  (cd "$elsewhere" && configure "$@")
  ninja -C "$second" -t targets all >targets
  # Always those with the commit or the path of a header in them.
  mapfile -t objects < <(sed -n 's/^\(.*\.o\): CXX_COMPILER.*/\1/p' targets | grep -v controller | LC_ALL=C sort |
    (cd "$first" && awk -v every="$every" 'NR % every == 1 || /program\.cpp/ { print; next }
      system("grep -qF usr/include/ " $0) == 0'))
  [ "${#objects[@]}" -ge 8 ] || fail "there is little to compare: ${objects[*]}"
  ninja -C "$second" "${objects[@]}" >build.log 2>&1 || fail "$(tail -20 build.log)"
  for object in "${objects[@]}"; do same "$first/$object" "$second/$object"; done
  # The link, of what the first was linked from.
  (cd "$first" && cp --parents ./*.a CMakeFiles/toehold-agent.dir/runner/agent/main.cpp.o "$second")
  ninja -C "$second" -t commands toehold-agent | tail -1 >link.sh
  (cd "$second" && bash "$scratch/link.sh") >link.log 2>&1 || fail "$(tail -20 link.log)"
  same "$first/toehold-agent" "$second/toehold-agent"
  echo "$1: ${#objects[@]} object files and the program are the same"
}

for machine in x86_64 aarch64; do
  folder=build/static-$machine
  [ "$machine" != "$own" ] || folder=build/static
  [ -x "$TOEHOLD_SOURCE/$folder/toehold-agent" ] || skip "no static agent for $machine here: packaging/static-agent.sh $machine builds it"
  grep -qF "\"$commit\"" "$TOEHOLD_SOURCE/$folder/generated/build_info.hpp" ||
    skip "the agent for $machine is of another commit: packaging/packages.sh builds it again"
  if [ -n "${TOEHOLD_FULL_TESTS:-}" ]; then
    check_all "$machine" "$folder"
  else
    check_part "$machine" "$folder"
  fi
done
