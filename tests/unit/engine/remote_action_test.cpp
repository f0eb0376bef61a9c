#include "runner/engine/remote_action.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

template <class T>
T through(const Outcome& outcome) {
  return std::get<T>(decode_outcome(encode_outcome(outcome)));
}

}  // namespace

TEST_CASE("a request comes out as it went in") {
  ActionRequest request;
  SandboxRoot root;
  root.base = "/";
  root.layers = {"/a", "/b"};
  root.upper = "/u";
  root.mount_point = "/m";
  root.binds = {"/x:/y:ro"};
  root.offline = true;
  request.root = root;
  request.action = "CreateFile";
  request.inputs = Value(Value::List{Value::object({{"path", "/etc/x"}, {"content", "a\n\"b\""}})});
  request.environment = {{"PATH", "/bin"}, {"ODD", "a=b\n"}};
  request.working_directory = "/tmp";
  request.umask = 027;
  request.time_limit_ms = 1500;
  const ActionRequest back = decode_request(encode_request(request));
  REQUIRE(back.root);
  CHECK(back.root->layers == root.layers);
  CHECK(back.root->upper == "/u");
  CHECK(back.root->binds == root.binds);
  CHECK(back.root->offline);
  CHECK(back.action == "CreateFile");
  CHECK(back.inputs == request.inputs);
  CHECK(back.environment == request.environment);
  CHECK(back.umask == 027);
  CHECK(back.time_limit_ms == 1500);
}

TEST_CASE("an outcome comes out as it went in") {
  const Value output = Value::object({{"stdout", "a\nb"}});
  CHECK(through<Succeeded>(Succeeded{{output}}).outputs == std::vector<Value>{output});
  Failed failed{"exit code 3", 3, {output}};
  failed.timed_out = true;
  const Failed back = through<Failed>(failed);
  CHECK(back.message == "exit code 3");
  CHECK(back.exit_code == 3);
  CHECK(back.timed_out);
  CHECK_FALSE(back.cancelled);
  CHECK_FALSE(through<Failed>(Failed{"no", {}, {}}).exit_code);
  const auto reboot = through<RebootRequired>(
      RebootRequired{RebootRequired::Resume::same_step, std::chrono::seconds(7)});
  CHECK(reboot.resume == RebootRequired::Resume::same_step);
  CHECK(reboot.delay == std::chrono::seconds(7));
}

TEST_CASE("frames are found whatever the pieces in which they come") {
  const std::string big(70000, '\0');
  const std::string stream = encode_frame(Frame::out, "hello\n") + encode_frame(Frame::tick, "") +
                             encode_frame(Frame::err, big) + encode_frame(Frame::outcome, "{}");
  for (const std::size_t piece : {std::size_t(1), std::size_t(4), std::size_t(5), stream.size()}) {
    std::vector<std::pair<char, std::string>> got;
    FrameReader reader([&](Frame kind, std::string_view payload) {
      got.emplace_back(static_cast<char>(kind), std::string(payload));
    });
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.take(std::string_view(stream).substr(at, piece));
    }
    REQUIRE(got.size() == 4);
    CHECK(got[0] == std::pair<char, std::string>('o', "hello\n"));
    CHECK(got[1].second.empty());
    CHECK(got[2].second == big);
    CHECK(got[3].first == 'r');
    CHECK(reader.is_between_frames());
  }
}

TEST_CASE("what is no frame is refused") {
  FrameReader reader([](Frame, std::string_view) {});
  CHECK_THROWS_AS(reader.take("Segmentation fault\n"), Error);
  FrameReader long_one([](Frame, std::string_view) {});
  CHECK_THROWS_AS(long_one.take(std::string("o\xff\xff\xff\xff", 5)), Error);
}
