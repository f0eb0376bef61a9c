#include "runner/aws/image_builder.hpp"

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

namespace {

constexpr std::string_view example = "arn:aws:imagebuilder:REGION:ACCOUNT:component/NAME/1.0.0/1";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "1.0.2", "1.x.x"
bool is_version(const std::string& text, bool wildcards) {
  const auto parts = split(text, '.');
  if (parts.size() != 3) return false;
  for (const std::string& part : parts) {
    if (!is_number(part) && !(wildcards && part == "x")) return false;
  }
  return true;
}

/// The region in it.
std::string check_arn(const std::string& arn) {
  const auto fields = split(arn, ':');
  const auto path = fields.size() == 6 ? split(fields[5], '/') : std::vector<std::string>();
  const bool component = path.size() >= 2 && path[0] == "component" && !fields[3].empty();
  if (component && path.size() == 2) {
    throw Error(Error::Kind::usage, "the ARN " + arn + " names no version of the component",
                "for the newest one: " + arn + "/x.x.x");
  }
  const bool whole =
      component && ((path.size() == 3 && is_version(path[2], true)) ||
                    (path.size() == 4 && is_version(path[2], false) && is_number(path[3])));
  if (!whole) {
    throw Error(
        Error::Kind::usage, arn + " is not the ARN of a component",
        "write it like " + std::string(example) + ", or with /x.x.x for the newest version");
  }
  return fields[3];
}

std::string text_of(const Value& component, const char* key) {
  const Value* value = component.find(key);
  return value && value->is_scalar() ? value->text() : std::string();
}

Error no_document(const std::string& arn, const Value& component) {
  std::string why = "Image Builder gave no document";
  std::string hint =
      "see it with: aws imagebuilder get-component --component-build-version-arn " + arn;
  if (text_of(component, "obfuscate") == "true") {
    why = "its publisher hides its document";
    hint = "such a component only runs in the Image Builder service";
  } else if (text_of(component, "encrypted") == "true") {
    const std::string key = text_of(component, "kmsKeyId");
    why = "its document is encrypted" + (key.empty() ? "" : " with the key " + key) +
          ", and came without its text";
    hint = "allow kms:Decrypt on that key";
  }
  return Error(Error::Kind::aws, "component " + arn + ": " + why, hint);
}

}  // namespace

bool is_image_builder_arn(std::string_view name) {
  return name.starts_with("arn:") && name.find(":imagebuilder:") != std::string_view::npos;
}

std::string get_component(Client& client, const std::string& arn, const Control& control) {
  Call call;
  call.service = &services::image_builder;
  call.operation = "GetComponent";
  call.method = "GET";
  call.path = "/GetComponent";
  call.query = {{"componentBuildVersionArn", arn}};
  call.region = check_arn(arn);
  call.resource = "component " + arn;
  const Answer answer = client.send(call, control);
  if (answer.failure) {
    if (answer.failure->code == "ResourceNotFoundException") {
      throw Error(Error::Kind::aws, "there is no component " + arn + " in " + call.region,
                  "list those there are: aws imagebuilder list-components --region " + call.region);
    }
    throw client.error_of(call, *answer.failure, control);
  }
  Value component;
  try {
    const Value body = parse_json(answer.body);
    if (const Value* found = body.find("component")) component = *found;
  } catch (const Error& error) {
    throw Error(Error::Kind::aws, "Image Builder GetComponent on " + call.resource +
                                      ": the answer cannot be read: " + error.what());
  }
  std::string text = text_of(component, "data");
  if (text.empty()) throw no_document(arn, component);
  return text;
}

}  // namespace toehold::aws
