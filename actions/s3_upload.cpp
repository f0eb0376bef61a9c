#include "actions/builtin_actions.hpp"
#include "actions/s3_address.hpp"

namespace toehold {

namespace {

struct Upload {
  std::string source;
  std::string destination;
  bool recurse = false;
  std::optional<std::string> expected_bucket_owner;
};

ItemResult run(const Upload& upload, ActionContext&) {
  return s3_unavailable(upload.destination);
}

}  // namespace

Action s3_upload() {
  Action action = make_list_action(
      "S3Upload", "Uploads files to S3.",
      Fields<Upload>{}
          .required("source", &Upload::source,
                    "The file; '*' in its name uploads every file that fits.")
          .required("destination", &Upload::destination,
                    "s3://bucket/key for one file, s3://bucket/prefix/ for several.")
          .optional("recurse", &Upload::recurse, "The folders below, too.", "false")
          .optional("expectedBucketOwner", &Upload::expected_bucket_owner,
                    "Account id that must own the bucket."),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_s3_address(item, "destination", false, deferred, diagnostics);
  };
  action.info.example = R"(- name: KeepReport
  action: S3Upload
  inputs:
    - source: /tmp/report/*
      destination: s3://my-bucket/reports/
      recurse: true
)";
  return action;
}

}  // namespace toehold
