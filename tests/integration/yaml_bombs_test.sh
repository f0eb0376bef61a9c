# Documents written to hurt, and broken beyond measure: each is refused, or taken, in a second and
# 100 MiB, with an answer that fits a screen or two.
. "$(dirname "$0")/lib.sh"
needs python3

case "${TOEHOLD_BUILD:-optimised}" in
  optimised) seconds=1 mebibytes=100 parts=1 ;;
  debug) seconds=6 mebibytes=100 parts=1 ;;
  *) seconds=60 mebibytes=100000 parts=4 ;; # the sanitizers' own costs say nothing
esac

cat >make.py <<'P'
import os
LIMIT = 4 << 20
PARTS = int(os.environ["PARTS"])
FILLED = LIMIT // PARTS
HEAD = "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n"

def step(name, command):
    return f"      - {{name: {name}, action: ExecuteBash, inputs: {{commands: ['{command}']}}}}\n"

def steps(count, line):
    return HEAD + "".join(line(i) for i in many(count))

def many(count):
    return range(count // PARTS)

def full(piece, before="", after=""):
    room = FILLED - len(before) - len(after)
    return before + (piece * (room // len(piece) + 1))[:room] + after

def laughs(levels, width):
    lines = ["a0: &a0 lol"]
    for i in range(1, levels):
        lines.append(f"a{i}: &a{i} [" + ",".join([f"*a{i - 1}"] * width) + "]")
    return "\n".join(lines) + "\n"

def script(lines):
    return (HEAD + "      - name: a\n        action: ExecuteBash\n        inputs:\n          commands:\n"
            + "            - |\n" + "".join("              " + line + "\n" for line in lines))

bombs = {
    "here-documents": script(f"cat <<E{i}" for i in range(100000)),
    "laughs": laughs(30, 10),
    "laughs-wide": laughs(4, 3000),
    "laughs-of-text": "a: &a '" + "x" * 1000000 + "'\nb: [" + "*a, " * 3000 + "]\n",
    "anchors-in-anchors": "".join(f"{' ' * i}- &a{i}\n" for i in range(50)) + (" " * 50 + "- x\n") * 50000,
    "anchors": "".join(f"- &a{i} x\n" for i in range(200000)),
    "alias-to-itself": "a: &a [*a]\n",
    "alias-to-its-map": "a: &a {b: *a}\n",
    "aliases-of-nothing": full("- *a\n"),
    "open-lists": full("["), "open-maps": full("{a: "), "open-lines": full("[\n"),
    "dashes": full("- "), "questions": full("? "), "colons": full(": "),
    "blocks": "".join(" " * i + "a:\n" for i in range(2000)),
    "json-deep": '{"a":' * 100000 + "}" * 100000, "list-deep": "[" * 100000 + "]" * 100000,
    "list-long": full("- x\n"), "commas": full(",", "["), "texts": full('"a",', "["),
    "commas-and-comments": full("a #\n ", "- ["), "behind-a-false-quote": full("a,", "a: b\n  'c\nd:\n  - ["),
    "keys": "".join(f"k{i}: x\n" for i in range(300000)), "same-keys": full("k: x\n"),
    "complex-keys": full("? [a, b]\n: c\n"), "merge-keys": "a: &a {x: 1}\nb: {" + "<<: *a, " * 90000 + "}",
    "line": full("x", "a: "), "scalar": full("  x\n", "a: |\n"), "folded": full("  x\n", "a: >\n"),
    "plain": full("  c\n", "a: b\n"), "quoted": full("x", 'a: "', '"'),
    "quote-open": full("x\n", 'a: "'), "single-open": full("x\n", "a: '"), "escapes": full("\\q", 'a: "'),
    "too-large": "#" * (LIMIT + 1),
    "references": HEAD + step("a", "{{ a }} " * 400000), "braces": HEAD + step("a", "{{ " * 1000000),
    "conditions": HEAD + "      - {name: a, action: ExecuteBash, inputs: {commands: [a]}, if: "
                  + "{not: " * 60 + "{fileExists: /a}" + "}" * 60 + "}\n",
    "conditions-wide": HEAD + "      - {name: a, action: ExecuteBash, inputs: {commands: [a]}, if: {and: ["
                       + "{fileExists: /a}," * 30000 + "]}}\n",
    "pattern": HEAD + "      - {name: a, action: Assert, inputs: {patternMatches: '(a{1000}){1000}', value: x}}\n",
    "long-name": HEAD + step("a" * 1000000, "true"),
    "unknown-keys": HEAD + "      - {name: a, action: ExecuteBash, inputs: {commands: [a]}, "
                    + ", ".join(f"k{i}: 1" for i in many(90000)) + "}\n",
    "unknown-actions": steps(40000, lambda i: f"      - {{name: a{i}, action: Nope, inputs: {{a: 1}}}}\n"),
    "misspelt": steps(30000, lambda i: f"      - {{name: a{i}, acton: ExecuteBash, inptus: {{commands: [a]}}}}\n"),
    "same-names": steps(30000, lambda i: step("a", "true")),
    "forward": steps(20000, lambda i: step(f"s{i}", f"{{{{ build.s{i + 1}.outputs.stdout }}}}")),
    "chained": steps(20000, lambda i: step(f"s{i}", f"{{{{ build.s{i - 1}.outputs.stdout }}}}" if i else "x")),
    "unknown-steps": steps(20000, lambda i: step(f"s{i}", f"{{{{ build.x{i}.outputs.stdout }}}}")),
    "documents": full("---\n"), "ends": full("...\n"), "directives": full("%a b\n"), "comments": full("#\n"),
    "utf16": ("a: b\n" * 300000).encode("utf-16"), "byte-order-marks": full("\ufeff".encode().decode("latin-1")),
}
for name, character in {
    "tabs": "\t", "blanks": " ", "newlines": "\n", "returns": "\r", "hashes": "#", "quotes": '"',
    "singles": "'", "amps": "&a ", "stars": "*a ", "bangs": "!", "tags": "! ", "percents": "%", "colon": ":",
    "pipes": "|", "question": "?", "dash": "-", "nuls": "\0", "bytes": "\xff", "bells": "\a",
}.items():
    bombs["all-" + name] = full(character)

os.mkdir("bombs")
for name, text in bombs.items():
    with open(f"bombs/{name}.yml", "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode("latin-1"))
P
cat >measure.py <<'P'
import os, resource, sys, time
program, seconds, mebibytes = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
# Well-formed and of moderate size: these are taken.
good = {"conditions-wide.yml", "chained.yml", "here-documents.yml"}
failed = 0
for name in sorted(os.listdir("bombs")):
    child = os.fork()
    if child == 0:
        out = os.open("answer", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
        os.execv(program, [program, "validate", "bombs/" + name])
    _, status, used = os.wait4(child, 0)
    took = used.ru_utime + used.ru_stime  # other tests run at the same time
    size = used.ru_maxrss / 1024
    answer = open("answer", "rb").read()
    wrong = []
    if status != (0 if name in good else 256):
        wrong.append(f"status {status}")
    if name not in good and (b": error[" not in answer or not answer.startswith(b"bombs/" + name.encode())):
        wrong.append("no error with a place")
    if took > seconds:
        wrong.append(f"{took:.2f} s")
    if size > mebibytes:
        wrong.append(f"{size:.0f} MiB")
    if len(answer) > 100000:
        wrong.append(f"{len(answer)} bytes of answer")
    if wrong:
        failed += 1
        print(name, ", ".join(wrong), answer[:300].decode("utf-8", "replace"), sep=": ")
sys.exit(failed != 0)
P
PARTS=$parts python3 make.py
python3 measure.py "$TOEHOLD" "$seconds" "$mebibytes" || fail "see above"

# Of so many errors the first are shown, and all are counted.
expect_exit 1 "$TOEHOLD" validate bombs/unknown-actions.yml
expect_contains "$err$out" 'there are more than 200 errors'
expect_contains "$err$out" "$((40000 / parts)) errors"
