# Completion as people meet it: bash, zsh and fish with the scripts that the programs print.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs python3 zsh fish
export TOEHOLD_HOME=$scratch/home PATH=$scratch/bin:$PATH
mkdir -p bin files/folder
ln -s "$TOEHOLD" bin/toehold
ln -s "$TOEHOLD_AGENT" bin/toehold-agent
touch files/site.yaml files/with\ blank.yaml
printf 'name: pears\ncomponents: [one.yaml]\n' >recipe.yaml
printf 'schemaVersion: 1.0\nphases: [{name: build, steps: [{name: One, action: Assert, inputs: {fileExists: /etc/passwd}}]}]\n' >one.yaml

for shell in bash zsh fish; do "$TOEHOLD" completion "$shell" >"script.$shell"; done
bash -n script.bash
zsh -n script.zsh
fish -n script.fish

# in_bash WORDS...: what it offers for the last of them, one a line
in_bash() {
  bash --norc -c '
    compopt() { :; }
    . ./script.bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    "$(complete -p toehold | sed "s/.*-F //; s/ .*//")"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
in_fish() { fish --no-config -c ". ./script.fish; complete -C '$*'" | cut -f1; }

for run in in_bash in_fish; do
  expect_equal "$($run toehold buil)" $'build\nbuilds'
  expect_equal "$($run toehold build --on-failure s)" shell
  expect_equal "$($run toehold describe CreateFo)" CreateFolder
  expect_equal "$($run toehold cache pr)" prune
  expect_equal "$($run toehold build files/s)" files/site.yaml
  expect_contains "$($run toehold build --exp)" --explain
  expect_lacks "$($run toehold build --)" --only-build
done
expect_equal "$(in_bash toehold build --view = l)" live
expect_equal "$(in_bash toehold build files/w)" 'files/with blank.yaml'
expect_contains "$("$TOEHOLD_AGENT" __complete run --doc)" --documents

# What is there is offered: images, kept builds.
"$TOEHOLD" __complete images '' | cmp - /dev/null
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  expect_exit 0 "$TOEHOLD" build recipe.yaml
  expect_equal "$(in_bash toehold diff pea)" pears:1.0.0
  sed -i 's:/etc/passwd:/nowhere:' one.yaml
  expect_exit 1 "$TOEHOLD" build --on-failure keep recipe.yaml
  expect_contains "$(in_fish toehold shell pea)" "$("$TOEHOLD" builds | sed -n 's/ *kept .*//p')"
fi

# zsh offers only at a terminal.
cat >zshrc <<'Z'
PS1='ready> '
autoload -Uz compinit && compinit -u -d dump
. ./script.zsh
Z
mkdir zsh && mv zshrc zsh/.zshrc
expect_exit 0 env ZDOTDIR="$scratch/zsh" python3 "$TOEHOLD_SOURCE/tests/support/type_into.py" zsh -i -- \
  'ready> ' $'echo is toehold describe CreateFo\t' 'ready> ' $'toehold describe CreateFo\t | head -1' \
  'CreateFolder' 'exit'
expect_contains "$out" 'CreateFolder'
