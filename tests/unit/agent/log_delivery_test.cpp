// Logs on their way to AWS: what is refused before a run, what fails it, and where its logs are.
#include "runner/agent/log_delivery.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/fake_object_store.hpp"
#include "tests/support/log_service.hpp"

using namespace toehold;
using test::LogService;

namespace {

struct Run {
  Run() {
    fs::create_directory(logs);
    started.execution_id = "id";
    started.log_directory = logs.string();
    std::ofstream(logs / "console.log") << "2026-01-01 00:00:00.000 Info hello\n";
    std::ofstream(logs / "events.jsonl") << "{}\n";
  }
  LogDelivery delivery() { return {request, started, setup.session, objects}; }
  fs::path note() const { return folder.path() / "cloudwatch.json"; }

  TempDirectory folder{fs::temp_directory_path(), "toehold-delivery-"};
  fs::path logs = folder.path() / "TOE_1_id";
  RunRequest request;
  RunStarted started;
  LogService service;
  test::LogServiceSession setup{service, true};
  test::FakeObjectStore objects;
};

std::string refusal(void (*change)(RunRequest&)) {
  RunRequest request;
  change(request);
  try {
    check_log_options(request);
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::usage);
    CHECK_FALSE(error.hint().empty());
    return error.full_message();
  }
  return "taken";
}

}  // namespace

TEST_CASE("options about logs that do not go together are refused") {
  CHECK(refusal([](RunRequest&) {}) == "taken");
  CHECK(refusal([](RunRequest& r) { r.cw_ignore_failures = true; }) == "taken");
  CHECK(refusal([](RunRequest& r) { r.cw_log_group = "/a/b"; }) == "taken");
  CHECK(refusal([](RunRequest& r) { r.log_s3_bucket_name = "logs.example"; }) == "taken");
  CHECK_THAT(refusal([](RunRequest& r) { r.cw_log_stream = "s"; }),
             ContainsSubstring("without --cw-log-group"));
  CHECK_THAT(refusal([](RunRequest& r) { r.cw_log_region = "eu-west-1"; }),
             ContainsSubstring("without --cw-log-group"));
  CHECK_THAT(refusal([](RunRequest& r) { r.log_s3_key_prefix = "p"; }),
             ContainsSubstring("without --log-s3-bucket-name"));
  CHECK_THAT(refusal([](RunRequest& r) { r.log_s3_bucket_owner = "123456789012"; }),
             ContainsSubstring("without --log-s3-bucket-name"));
  CHECK_THAT(refusal([](RunRequest& r) { r.log_s3_bucket_name = "s3://logs"; }),
             ContainsSubstring("no bucket's name"));
  CHECK_THAT(refusal([](RunRequest& r) {
               r.log_s3_bucket_name = "logs";
               r.log_s3_bucket_owner = "me";
             }),
             ContainsSubstring("no account id"));
}

TEST_CASE("nothing is done where nothing is asked for") {
  Run run;
  LogDelivery delivery = run.delivery();
  delivery.begin(run.note(), false, {});
  delivery.pause();
  CHECK(delivery.finish({}).empty());
  CHECK(delivery.log_url() == run.logs.string());
  CHECK(run.service.calls.empty());
  CHECK(run.objects.calls.empty());
  CHECK_FALSE(fs::exists(run.note()));
}

TEST_CASE("the log folder goes below the prefix, however that is written") {
  for (const char* prefix : {"builds/7", "/builds/7/"}) {
    Run run;
    run.request.log_s3_bucket_name = "bucket";
    run.request.log_s3_key_prefix = prefix;
    run.request.log_s3_bucket_owner = "123456789012";
    fs::create_symlink("/etc/passwd", run.logs / "link");
    LogDelivery delivery = run.delivery();
    CHECK(delivery.log_url() == run.logs.string());
    CHECK(delivery.finish({}).empty());
    CHECK(delivery.log_url() == "s3://bucket/builds/7/TOE_1_id");
    CHECK(run.objects.objects.size() == 2);
    CHECK(run.objects.objects.at("bucket/builds/7/TOE_1_id/events.jsonl") == "{}\n");
    CHECK_THAT(run.objects.calls[0], ContainsSubstring(" 123456789012"));
  }
}

TEST_CASE("an upload that fails is told, and the logs are where they were") {
  Run run;
  run.request.log_s3_bucket_name = "bucket";
  run.objects.broken = "bucket/TOE_1_id/console.log";
  LogDelivery delivery = run.delivery();
  CHECK_THAT(delivery.finish({}),
             ContainsSubstring("could not be uploaded to s3://bucket/TOE_1_id") &&
                 ContainsSubstring("the connection broke"));
  CHECK(delivery.log_url() == run.logs.string());
}

TEST_CASE("a stream that cannot be made ends a new run, unless failures are ignored") {
  Run run;
  run.request.cw_log_group = "group";
  run.service.always(LogService::error("AccessDeniedException"));
  SECTION("new") {
    LogDelivery delivery = run.delivery();
    try {
      delivery.begin(run.note(), false, {});
      FAIL("no error");
    } catch (const Error& error) {
      CHECK_THAT(error.full_message(), ContainsSubstring("no step was run"));
      CHECK_THAT(error.hint(), ContainsSubstring("--cw-ignore-failures"));
    }
  }
  SECTION("ignored") {
    run.request.cw_ignore_failures = true;
    LogDelivery delivery = run.delivery();
    delivery.begin(run.note(), false, {});
    std::stop_source stop;
    stop.request_stop();
    CHECK(delivery.finish(stop.get_token()).empty());
  }
  SECTION("a run that goes on") {
    LogDelivery delivery = run.delivery();
    delivery.begin(run.note(), true, {});
    std::stop_source stop;
    stop.request_stop();
    CHECK_THAT(delivery.finish(stop.get_token()),
               ContainsSubstring("of console.log are not in CloudWatch log stream group:id"));
  }
}

TEST_CASE("the stream is the execution id where none is named") {
  Run run;
  run.request.cw_log_group = "group";
  LogDelivery delivery = run.delivery();
  delivery.begin(run.note(), false, {});
  CHECK(delivery.finish({}).empty());
  CHECK(run.service.groups.at("group").contains("id"));
  CHECK(run.service.messages() == std::vector<std::string>{"Info hello"});
}
