#include "runner/controller/remote_packages.hpp"

#include "runner/base/files.hpp"

namespace toehold {

namespace {

// Says which it is, then all that it knows. The argument is rpm's format.
constexpr const char* question =
    "for f in /var/lib/dpkg/status /lib/apk/db/installed /usr/lib/apk/db/installed; do "
    "if [ -f \"$f\" ]; then echo \"$f\"; exec cat \"$f\"; fi; done; "
    "if command -v rpm >/dev/null; then echo rpm; exec rpm -qa --qf \"$1\"; fi";
constexpr std::size_t most_bytes = 256u << 20;

}  // namespace

PackageList remote_packages(Transport& transport, const fs::path& folder, ProcessRunner& processes,
                            std::stop_token stop) {
  std::string text;
  const ProcessResult asked = transport.run(
      {"sh", "-c", question, "packages", rpm_question},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out && text.size() < most_bytes) text += bytes;
      },
      Deadline(std::chrono::steady_clock::now() + std::chrono::minutes(2)), stop);
  PackageList list;
  const std::size_t end = text.find('\n');
  if (!asked.succeeded() || end == std::string::npos) return list;
  const std::string which = text.substr(0, end);
  text.erase(0, end + 1);
  if (which.starts_with('/')) {
    const TempDirectory root(folder, "packages-");
    const fs::path file = root.path() / which.substr(1);
    make_private_directory(file.parent_path());
    write_file_atomically(file, text);
    OverlayStack tree;
    tree.base = root.path();
    return installed_packages(tree, processes, stop);
  }
  list.manager = "rpm";
  list.packages = parse_rpm_answer(text);
  sort_packages(list.packages);
  return list;
}

}  // namespace toehold
