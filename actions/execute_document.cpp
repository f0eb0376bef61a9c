#include "actions/builtin_actions.hpp"

namespace toehold {

namespace {

struct Nested {
  std::string document;
  std::string bucket_owner;
  std::string phases;
  Value parameters;
};

struct Parameter {
  std::string name;
  std::string value;
};

}  // namespace

Action execute_document() {
  const auto parameter = Fields<Parameter>{}
                             .required("name", &Parameter::name, "The parameter's name.")
                             .required("value", &Parameter::value, "Its value.");
  auto fields =
      Fields<Nested>{}
          .required("document", &Nested::document,
                    "A path (seen from the working directory), s3://bucket/key, "
                    "https://host/path#sha256=HEX, or the ARN of a component. It is read and "
                    "validated when the step runs.")
          .optional("document-s3-bucket-owner", &Nested::bucket_owner,
                    "The account that must own the bucket.")
          .optional("phases", &Nested::phases, "Names of phases, with commas between.", "all")
          .optional_records("parameters", &Nested::parameters, parameter.info(),
                            "Values for the document's parameters.");
  // Handed on as a map again, as the engine decides what becomes of a document.
  Action action = make_action("ExecuteDocument", "Runs another document as part of this step.",
                              fields, [fields](const Nested& inputs, ActionContext& context) {
                                return context.run_document(fields.encode(inputs));
                              });
  action.info.platforms = every_platform;
  action.info.takes_timeout = false;
  action.info.takes_attempts = false;
  action.info.outputs = {{"executedStepCount", "How many of its steps ran."},
                         {"executionId", "Its own execution id."},
                         {"failedStepCount", "How many of them failed."},
                         {"failureMessage", "Why it failed, or nothing."},
                         {"ignoredFailedStepCount", "How many failed with onFailure: Ignore."},
                         {"logUrl", "Nothing; its log is part of ours."},
                         {"status", "success, failed or successWithIgnoredFailure."}};
  action.info.example = R"(- name: HardenSsh
  action: ExecuteDocument
  inputs:
    document: hardening/ssh.yaml
    phases: build,validate
    parameters:
      - name: Port
        value: '2222'
)";
  return action;
}

}  // namespace toehold
