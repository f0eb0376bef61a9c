#include "runner/controller/ssm_script.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

// A command's substitution drops line ends behind the text, so each word has a full stop behind it.
constexpr const char* head =
    "answer() { printf '\\ntoehold-%s %s .\\n' \"$mark\" \"$*\"; exit 0; }\n"
    "encoded() { printf =; base64 | tr -d '\\n'; }\n"
    "failed() { answer failed \"$(printf %s \"$1\" | encoded)\"; }\n"
    "set --\n"
    "for word in $words; do\n"
    "  value=$(printf %s \"$word\" | base64 -d) || failed 'there is no base64'\n"
    "  set -- \"$@\" \"${value%.}\"\n"
    "done";

// Words: the agent, then the program's. Whatever comes out, the script's own end is no news: 194
// would restart the instance.
constexpr const char* run =
    "agent=$1; shift\n"
    "if [ -x \"$agent\" ] && \"$agent\" --version >/dev/null 2>&1; then\n"
    "  printf %s \"$request\" | base64 -d | \"$agent\" relay -- \"$@\"\n"
    "  exit 0\n"
    "fi\n"
    "[ $# -gt 0 ] || answer gone\n"
    "folder=$(umask 077; mktemp -d) || failed 'there is no room in /tmp'\n"
    "trap 'rm -rf \"$folder\"' EXIT\n"
    "(cd / && exec \"$@\") >\"$folder/out\" 2>\"$folder/err\" </dev/null\n"
    "code=$(printf %s $? | encoded)\n"
    "size=$(($(wc -c <\"$folder/out\") + $(wc -c <\"$folder/err\")))\n"
    "out=$(head -c 12000 \"$folder/out\" | encoded)\n"
    "err=$(head -c 2000 \"$folder/err\" | encoded)\n"
    "answer shell \"$code $out $err $(printf %s $size | encoded)\"";

// Words: path, mode, SHA-256; "$part" is what is to be put there.
constexpr const char* settle =
    "sum=$(sha256sum \"$part\") || failed 'there is no sha256sum to check it with'\n"
    "[ \"${sum%% *}\" = \"$3\" ] || failed 'it has not arrived as it was sent'\n"
    "chmod \"$2\" \"$part\" && mv -f \"$part\" \"$1\" || failed \"$1 cannot be written\"\n"
    "answer done";

// Words: path, mode, SHA-256, URL. The URL, which is a secret, is in no program's arguments.
constexpr const char* fetch =
    "umask 077; part=$1.$mark\n"
    "trap 'rm -f \"$part\"' EXIT\n"
    "unreachable() { answer unreachable \"$(printf %s \"$1\" | encoded)\"; }\n"
    "fetched() {\n"
    "if command -v curl >/dev/null; then\n"
    "  why=$(printf 'url = \"%s\"\\n' \"$4\" | "
    "curl -fsS --connect-timeout 10 -o \"$part\" -K - --speed-limit 1 --speed-time 15 2>&1)\n"
    "elif command -v wget >/dev/null; then\n"
    "  why=$(printf '%s\\n' \"$4\" | wget -nv -T 20 -t 1 -O \"$part\" -i - 2>&1)\n"
    "elif command -v python3 >/dev/null; then\n"
    "  why=$(printf %s \"$4\" | python3 -c 'import shutil, sys, urllib.request\n"
    "with urllib.request.urlopen(sys.stdin.read(), timeout=60) as source:\n"
    "    with open(sys.argv[1], \"wb\") as target:\n"
    "        shutil.copyfileobj(source, target)' \"$part\" 2>&1)\n"
    "else\n"
    "  unreachable 'there is neither curl nor wget nor python3 to fetch it with'\n"
    "fi || {\n"
    "  why=$(printf %s \"$why\" | tail -n 1 | head -c 300); tell=unreachable\n"
    "  return 1\n"
    "}\n"
    "sum=$(sha256sum \"$part\") || failed 'there is no sha256sum to check it with'\n"
    "why='it has not arrived as it was sent'; tell=failed\n"
    "[ \"${sum%% *}\" = \"$3\" ]\n"
    "}\n"
    "for pause in 1 2 4 8 0; do\n"
    "  fetched \"$@\" && break\n"
    "  [ $pause != 0 ] || $tell \"$why\"\n"
    "  sleep $pause\n"
    "done";

// Words: folder, name; data='...' is before it.
constexpr const char* keep_piece =
    "umask 077\n"
    "mkdir -p \"$1\" && printf %s \"$data\" | base64 -d >\"$1/$2.new\" && mv -f \"$1/$2.new\" "
    "\"$1/$2\" || failed \"$1/$2 cannot be written\"\n"
    "answer done";

// Words: path, mode, SHA-256, folder, "gzip" or "plain".
constexpr const char* join_pieces =
    "umask 077; part=$1.$mark\n"
    "trap 'rm -rf \"$part\" \"$4\"' EXIT\n"
    "unpack=cat; [ \"$5\" = plain ] || unpack='gzip -dc'\n"
    "cat \"$4\"/* | $unpack >\"$part\" || failed 'its pieces cannot be put together'";

/// `mark='...'`, `request='...'` and `words='... ...'`: of an alphabet that no shell minds.
std::string data_lines(const std::string& mark, const std::string& request,
                       const std::vector<std::string>& words) {
  std::vector<std::string> encoded;
  for (const std::string& word : words) {
    if (word.find('\0') != std::string::npos) {
      throw Error(Error::Kind::usage, "a NUL in an argument cannot be sent: " + printable(word));
    }
    encoded.push_back(base64_encode(word + "."));
  }
  return "mark='" + mark + "' request='" + base64_encode(request) + "' words='" +
         join(encoded, " ") + "'";
}

std::string octal(unsigned mode) {
  std::string text = "000";
  for (std::size_t i = 3; i-- > 0; mode >>= 3) text[i] = static_cast<char>('0' + (mode & 7));
  return text;
}

}  // namespace

SsmScript relay_script(const std::string& agent, const std::string& mark,
                       const std::string& request, const std::vector<std::string>& words) {
  std::vector<std::string> all{agent};
  all.insert(all.end(), words.begin(), words.end());
  return {mark, {data_lines(mark, request, all), head, run}};
}

SsmScript fetch_script(const std::string& mark, const std::string& url, const std::string& path,
                       unsigned mode, const std::string& sha256) {
  return {mark, {data_lines(mark, {}, {path, octal(mode), sha256, url}), head, fetch, settle}};
}

SsmScript piece_script(const std::string& mark, const std::string& folder, const std::string& name,
                       std::string_view bytes) {
  return {mark,
          {data_lines(mark, {}, {folder, name}), "data='" + base64_encode(bytes) + "'", head,
           keep_piece}};
}

SsmScript join_script(const std::string& mark, const std::string& folder, bool packed,
                      const std::string& path, unsigned mode, const std::string& sha256) {
  const std::vector<std::string> words{path, octal(mode), sha256, folder,
                                       packed ? "gzip" : "plain"};
  return {mark, {data_lines(mark, {}, words), head, join_pieces, settle}};
}

}  // namespace toehold
