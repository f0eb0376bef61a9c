// Does one thing over an SsmTransport, for scripts that look at what came of it; never shipped.
//   ssm_probe INSTANCE BUCKET PREFIX AGENT-PATH run WORDS...      its output, then "ended: ..."
//   ... upload FROM TO MODE | download FROM TO | online SECONDS | why | remove | interact WORDS...
// TOEHOLD_PROBE_LIMIT: seconds after which `run` gives up. TOEHOLD_PROBE_LOG_GROUP: a group of
// CloudWatch Logs, with streams below toehold/PREFIX.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>

#include "runner/aws/session.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/log.hpp"
#include "runner/base/stop.hpp"
#include "runner/controller/ssm_transport.hpp"

namespace toehold {
namespace {

using Words = std::vector<std::string>;

Deadline in(double seconds) {
  return Deadline(std::chrono::steady_clock::now() +
                  std::chrono::milliseconds(static_cast<int>(seconds * 1000)));
}

int run(SsmTransport& transport, const Words& words, const std::stop_token& stop) {
  const char* limit = std::getenv("TOEHOLD_PROBE_LIMIT");
  const ProcessResult result = transport.run(
      words,
      [](Stream stream, std::string_view bytes) {
        write_all(stream == Stream::out ? 1 : 2, bytes, "the output");
      },
      limit ? in(std::atof(limit)) : Deadline(), stop);
  std::cerr << "ended: " << describe(result) << "\n";
  return 0;
}

int work(const Words& words, const std::stop_token& stop) {
  SystemClock clock;
  RealProcessRunner processes;
  aws::Session session([] { return aws::read_settings(aws::process_environment()); },
                       make_curl_http_client, clock, processes);
  SsmSettings settings;
  settings.instance_id = words.at(0);
  settings.region = "us-east-1";
  settings.staging = {words.at(1), words.at(2), {}};
  settings.agent_path = words.at(3);
  if (const char* group = std::getenv("TOEHOLD_PROBE_LOG_GROUP")) {
    settings.logs = {settings.region, group, "toehold/" + words.at(2)};
  }
  settings.connect_timeout = std::chrono::seconds(30);
  settings.say = [](const std::string& text) { std::cerr << text << "\n"; };
  aws::Watcher watcher(session);
  SsmTransport transport(watcher, clock, settings);
  const std::string& what = words.at(4);
  const Words rest(words.begin() + 5, words.end());
  if (what == "run") return run(transport, rest, stop);
  if (what == "interact") return transport.interact(rest, stop);
  if (what == "why") std::cout << transport.why_not_online() << "\n";
  if (what == "online") transport.wait_until_online(in(std::stod(rest.at(0))), stop);
  if (what == "remove") transport.remove_staged(stop);
  if (what == "download") transport.download(rest.at(0), rest.at(1), in(120), stop);
  if (what == "upload") {
    const auto mode = static_cast<unsigned>(std::stoul(rest.at(2), nullptr, 8));
    transport.upload(rest.at(0), rest.at(1), mode, in(300), stop);
  }
  return 0;
}

}  // namespace
}  // namespace toehold

int main(int argc, char** argv) {
  const std::stop_token stop = toehold::stop_on_signals();
  try {
    return toehold::work({argv + 1, argv + argc}, stop);
  } catch (const toehold::Error& error) {
    std::cerr << "error: " << error.full_message() << " | " << error.hint() << "\n";
    return 1;
  }
}
