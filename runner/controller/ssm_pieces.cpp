#include "runner/controller/ssm_pieces.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

// In base64 and with its script a command stays below 64 KiB, what Run Command takes of parameters.
constexpr std::size_t piece_bytes = 36'000;
constexpr std::size_t most_pieces = 1000;
constexpr std::size_t most_file_bytes = 256u << 20;
constexpr auto piece_time = 120s;
constexpr auto between_news = 10s;

std::string packed(ProcessRunner& processes, const std::filesystem::path& file,
                   const SsmWait& wait) {
  std::string out;
  const ProcessResult result = processes.run(
      {{"gzip", "-9", "-n", "-c", "--", file.string()}, {}, {}, {}},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) out += bytes;
      },
      [](int) {}, wait.deadline, wait.stop);
  if (!result.succeeded()) {
    throw Error(result.cancelled ? Error::Kind::cancelled : Error::Kind::process,
                "gzip of " + file.string() + ": " + describe(result));
  }
  return out;
}

std::string piece_name(std::size_t number) {
  char name[24];
  std::snprintf(name, sizeof name, "%05zu", number);
  return name;
}

}  // namespace

void upload_in_pieces(SsmChannel& channel, ProcessRunner& processes, const PiecesUpload& upload,
                      const SsmWait& wait) {
  const bool packs = find_in_path("gzip").has_value();
  const std::string bytes =
      packs ? packed(processes, upload.from, wait) : read_file(upload.from, most_file_bytes);
  const std::size_t count = (bytes.size() + piece_bytes - 1) / piece_bytes;
  const std::string& id = channel.settings().instance_id;
  const auto say = [&](const std::string& text) {
    if (channel.settings().say) channel.settings().say(text);
  };
  if (count > most_pieces) {
    throw Error(Error::Kind::unsupported,
                id + " does not reach S3, and " + format_size(bytes.size()) +
                    " are too much to be sent by Run Command",
                "give its subnet a gateway endpoint for S3, which costs nothing, or write connect: "
                "ssh");
  }
  say(id + " does not reach S3: " + format_size(bytes.size()) + " go there by Run Command, in " +
      count_of(count, "piece"));
  const std::string folder = upload.to + "." + random_hex(8) + ".d";
  Monotonic told = channel.clock().monotonic();
  for (std::size_t number = 0; number < std::max<std::size_t>(count, 1); ++number) {
    const std::string_view rest = std::string_view(bytes).substr(number * piece_bytes);
    channel.ask(
        piece_script(random_hex(8), folder, piece_name(number), rest.substr(0, piece_bytes)),
        piece_time, wait);
    if (channel.clock().monotonic() - told < between_news) continue;
    told = channel.clock().monotonic();
    say("  " + std::to_string(number + 1) + " of " + std::to_string(count));
  }
  channel.ask(join_script(random_hex(8), folder, packs, upload.to, upload.mode, upload.sha256),
              piece_time, wait);
}

std::string unpacked(ProcessRunner& processes, const std::string& packed, std::size_t most,
                     const SsmWait& wait) {
  std::string out;
  const ProcessResult result = processes.run(
      {{"gzip", "-dc"}, {}, {}, packed},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out && out.size() <= most) out += bytes;
      },
      [](int) {}, wait.deadline, wait.stop);
  if (!result.succeeded() || out.size() > most) {
    throw Error(result.cancelled ? Error::Kind::cancelled : Error::Kind::network,
                "the relayed output is damaged: gzip: " + describe(result));
  }
  return out;
}

}  // namespace toehold
