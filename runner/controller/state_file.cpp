#include "runner/controller/state_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>

#include "generated/version.hpp"
#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/users.hpp"

namespace toehold {

namespace {

constexpr std::size_t largest_file = 8u << 20;
constexpr std::int64_t format = 1;
constexpr const char* last_file = "build.json";
// Each machine has its own: its lock, who it is, the address of the instance as it is now, and what
// was printed there.
constexpr std::array own_files{"lock", "holder", "known_hosts", build_log_name};

const Fields<StateHolder>& holder_fields() {
  // clang-format off
  static const Fields<StateHolder> table = Fields<StateHolder>{}
      .required("id", &StateHolder::id, "Of its folder.")
      .optional("user", &StateHolder::user, "Who started it.")
      .optional("host", &StateHolder::host, "Where it runs.")
      .optional("process", &StateHolder::process, "Its number there.")
      .optional("since", &StateHolder::since, "Milliseconds since 1970.")
      .optional("released", &StateHolder::released, "Whether it has ended.");
  // clang-format on
  return table;
}

/// "NAME" or "state-STAGE/NAME".
bool is_ours(const std::string& name) {
  const std::size_t slash = name.find('/');
  const std::string file = slash == std::string::npos ? name : name.substr(slash + 1);
  const bool plain = !file.empty() && file.front() != '.' && file.find('/') == std::string::npos &&
                     file.find('\0') == std::string::npos;
  const bool in_state = slash == std::string::npos || name.starts_with("state-");
  return plain && in_state &&
         std::find(own_files.begin(), own_files.end(), file) == own_files.end();
}

void each_file(const fs::path& folder, const std::function<void(const std::string& name)>& visit) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(error)) {
      if (is_ours(name)) visit(name);
      continue;
    }
    if (!entry.is_directory(error) || !name.starts_with("state-")) continue;
    for (const auto& inner : fs::directory_iterator(entry.path(), error)) {
      const std::string whole = name + "/" + inner.path().filename().string();
      if (inner.is_regular_file(error) && is_ours(whole)) visit(whole);
    }
  }
}

}  // namespace

StateHolder holder_here(UnixMillis now) {
  StateHolder holder;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) holder.host = host.data();
  holder.user = own_user().name;
  if (holder.user.empty()) holder.user = std::to_string(::geteuid());
  holder.process = ::getpid();
  holder.since = now;
  return holder;
}

std::string to_string(const StateHolder& holder) {
  return holder.user + "@" + holder.host + " (process " + std::to_string(holder.process) + ")";
}

std::string to_text(const StateFile& state) {
  Value files{Value::Map()};
  for (const auto& [name, text] : state.files) files.set(name, text);
  return to_json(Value::object({{"format", format},
                                {"version", TOEHOLD_VERSION},
                                {"holder", holder_fields().encode(state.holder)},
                                {"files", std::move(files)}})) +
         "\n";
}

StateFile read_state_file(const std::string& text) {
  const auto damaged = [](const std::string& why) {
    return Error(Error::Kind::state, "the state of the build cannot be read: " + why);
  };
  Value root;
  try {
    root = parse_json(text);
  } catch (const Error& error) {
    throw damaged(error.full_message());
  }
  const Value* version = root.is_map() ? root.find("version") : nullptr;
  const Value* known = root.is_map() ? root.find("format") : nullptr;
  const Value* holder = root.is_map() ? root.find("holder") : nullptr;
  const Value* files = root.is_map() ? root.find("files") : nullptr;
  if (!known || known->as_int() != format) {
    throw damaged("it was written by toehold " + (version ? version->text() : "of another kind"));
  }
  Diagnostics findings(nullptr);
  const auto read = holder ? holder_fields().decode(*holder, "its holder", findings) : std::nullopt;
  if (!read || !files || !files->is_map()) throw damaged("holder or files are not there");
  StateFile state{*read, version ? version->text() : "", {}};
  for (const auto& member : files->map()) {
    if (!is_ours(member.key)) throw damaged("it has a file " + member.key);
    state.files[member.key] = member.value.text();
  }
  return state;
}

FolderFiles read_folder(const fs::path& folder) {
  FolderFiles files;
  each_file(folder,
            [&](const std::string& name) { files[name] = read_file(folder / name, largest_file); });
  return files;
}

void write_folder(const fs::path& folder, const FolderFiles& files) {
  std::error_code error;
  fs::remove(folder / last_file, error);
  each_file(folder, [&](const std::string& name) {
    std::error_code ignored;
    if (!files.contains(name)) fs::remove(folder / name, ignored);
  });
  const auto write = [&](const std::string& name, const std::string& text) {
    const fs::path path = folder / name;
    make_private_directory(path.parent_path());
    write_file_atomically(path, text);
  };
  for (const auto& [name, text] : files) {
    if (name != last_file) write(name, text);
  }
  if (const auto last = files.find(last_file); last != files.end()) write(last_file, last->second);
}

}  // namespace toehold
