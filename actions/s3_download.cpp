#include "actions/builtin_actions.hpp"
#include "actions/s3_address.hpp"

namespace toehold {

namespace {

struct Download {
  std::string source;
  std::string destination;
  std::optional<std::string> expected_bucket_owner;
  bool overwrite = true;
};

ItemResult run(const Download& download, ActionContext&) {
  return s3_unavailable(download.source);
}

}  // namespace

Action s3_download() {
  Action action = make_list_action(
      "S3Download", "Downloads objects from S3.",
      Fields<Download>{}
          .required("source", &Download::source,
                    "s3://bucket/key, or s3://bucket/prefix/* for everything below a prefix.")
          .required("destination", &Download::destination,
                    "The file, or with a prefix the folder. Folders have to exist.")
          .optional("expectedBucketOwner", &Download::expected_bucket_owner,
                    "Account id that must own the bucket.")
          .optional("overwrite", &Download::overwrite,
                    "Replace a file that exists; false: fail instead.", "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_s3_address(item, "source", true, deferred, diagnostics);
  };
  action.info.example = R"(- name: FetchPackages
  action: S3Download
  inputs:
    - source: s3://my-bucket/packages/*
      destination: /tmp/packages/
      expectedBucketOwner: 012345678901
)";
  return action;
}

}  // namespace toehold
