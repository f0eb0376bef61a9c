# The recipes and documents that the pages of docs/ show are valid, and links lead to a page and to a
# heading that are there. What only shows a part of a recipe is left alone.
. "$(dirname "$0")/lib.sh"
needs python3
cat >pages.py <<'PY'
import os, re, shutil, sys

source = sys.argv[1]
pages = [os.path.join(folder, name) for folder, _, names in os.walk(source + "/docs") for name in names if name.endswith(".md")]
pages.append(source + "/README.md")


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", open(page).read(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


count = 0
for page in sorted(pages):
    text = open(page).read()
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = link.partition("#")
        target = os.path.join(os.path.dirname(page), place) if place else page
        if "://" in link:
            continue
        if not os.path.exists(target):
            sys.exit(f"{page}: there is no {link}")
        if anchor and anchor not in anchors(target):
            sys.exit(f"{page}: there is no heading for {link}")
    for shown in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S):
        whole = re.search(r"^schemaVersion:", shown, re.M) or (
            re.search(r"^name:", shown, re.M) and re.search(r"^components:", shown, re.M))
        if not whole:
            continue
        count += 1
        with open(f"{os.path.basename(page)[:-3]}-{count}.yaml", "w") as file:
            file.write(shown)
        # Components that are not shown: any will do.
        for name in re.findall(r"[\w/-]+\.yaml", shown.partition("\ncomponents:")[2].partition("\ntarget:")[0]):
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            if not os.path.exists(name):
                shutil.copy(source + "/samples/components/hello.yaml", name)
PY
mkdir shown
cp -r "$TOEHOLD_SOURCE/samples/recipes/components" shown
(cd shown && python3 ../pages.py "$TOEHOLD_SOURCE") || fail "see above"
cd shown
[ "$(ls | grep -c -- '-[0-9]*\.yaml')" -ge 8 ] || fail "no recipes were found: $(ls)"
expect_exit 0 env AWS_EC2_METADATA_DISABLED=true "$TOEHOLD" validate --strict ./*-[0-9]*.yaml
