#include "runner/controller/ec2_user_data.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/controller/ec2_lease.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_user_data = 16 << 10;  // EC2 API Reference, RunInstances, UserData
constexpr const char* boundary = "==toehold==";

Value text_list(const std::vector<std::string>& texts) {
  Value::List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return Value(std::move(list));
}

/// JSON is YAML; so no text has to be indented.
std::string our_part(const Ec2UserData& data) {
  Value settings{Value::Map()};
  if (data.lease.count() > 0) {
    settings.set("bootcmd", Value(Value::List{text_list(lease_command(data.lease))}));
  }
  if (!data.host_private.empty()) {
    settings.set("ssh_deletekeys", true);
    settings.set("ssh_keys", Value::object({{"ed25519_private", data.host_private},
                                            {"ed25519_public", data.host_public}}));
  }
  if (!data.login.empty()) settings.set("ssh_authorized_keys", text_list({data.login}));
  return "#cloud-config\n" + to_json(settings) + "\n";
}

/// The kinds that cloud-init knows by their first line.
const char* content_type(const std::string& text) {
  if (text.starts_with("#cloud-config")) return "text/cloud-config";
  if (text.starts_with("#!")) return "text/x-shellscript";
  if (text.starts_with("#cloud-boothook")) return "text/cloud-boothook";
  if (text.starts_with("#include")) return "text/x-include-url";
  return nullptr;
}

std::string mime_part(const char* type, const std::string& text, const char* more = "") {
  return std::string("--") + boundary + "\nContent-Type: " + type + "; charset=\"utf-8\"\n" + more +
         "\n" + text + (text.ends_with('\n') ? "" : "\n");
}

}  // namespace

std::string own_user_data(const Value& configuration) {
  const Value* data = configuration.is_map() ? configuration.find("userDataOverride") : nullptr;
  return data ? base64_decode(data->text()).value_or("") : std::string();
}

bool goes_with_ours(const std::string& own) {
  return content_type(own) != nullptr;
}

std::string user_data_text(const Ec2UserData& data) {
  std::string text = our_part(data);
  if (!data.own.empty()) {
    const char* type = content_type(data.own);
    if (!type) {
      throw Error(Error::Kind::usage,
                  "userDataOverride is of a kind that does not go together with toehold's own part",
                  own_user_data_hint);
    }
    // Lists of both are kept: theirs may have a bootcmd, too.
    text = std::string("Content-Type: multipart/mixed; boundary=\"") + boundary +
           "\"\nMIME-Version: 1.0\n\n" +
           mime_part("text/cloud-config", text,
                     "Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n") +
           mime_part(type, data.own,
                     "Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n") +
           "--" + boundary + "--\n";
  }
  if (text.size() > most_user_data) {
    throw Error(Error::Kind::usage,
                "the user data has " + std::to_string(text.size()) +
                    " bytes with toehold's part, and EC2 takes 16384",
                "let userDataOverride fetch what is long");
  }
  return text;
}

}  // namespace toehold
