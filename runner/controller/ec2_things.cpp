#include "runner/controller/ec2_things.hpp"

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

const Fields<Ec2Thing>& table() {
  static const Fields<Ec2Thing> fields =
      Fields<Ec2Thing>{}
          .required("region", &Ec2Thing::region, "Where it is.")
          .optional("build", &Ec2Thing::build, "The build that made it.")
          .optional("part", &Ec2Thing::part, "What it is for.")
          .optional("name", &Ec2Thing::name, "What it is called.")
          .optional("token", &Ec2Thing::token, "What its creation was asked for with.")
          .optional("account", &Ec2Thing::account, "Whose it is, if not ours.")
          .optional("role", &Ec2Thing::role, "What reaches it there.")
          .optional("logGroup", &Ec2Thing::log_group, "Where streams of it may be.");
  return fields;
}

}  // namespace

std::string to_record_id(const Ec2Thing& thing) {
  Value id{Value::Map()};
  const Value whole = table().encode(thing);
  for (const auto& member : whole.map()) {
    if (!member.value.text().empty()) id.set(member.key, member.value);
  }
  return to_json(id);
}

Ec2Thing read_record_id(const std::string& id) {
  Diagnostics findings(nullptr);
  std::optional<Ec2Thing> thing;
  try {
    thing = table().decode(parse_json(id), "the inventory", findings);
  } catch (const Error&) {
    // told below
  }
  if (!thing) throw Error(Error::Kind::state, "the inventory is damaged: " + id);
  return *thing;
}

aws::ec2::Tags ec2_tags(const Ec2Thing& thing, const std::string& name, const Parameters& more) {
  aws::ec2::Tags tags{{"Name", name}};
  for (const auto& [key, value] : more) tags[key] = value;
  tags[build_tag] = thing.build;
  tags[part_tag] = thing.part;
  return tags;
}

bool is_made_by(const Ec2Thing& thing, const aws::ec2::Tags& tags) {
  const auto found = tags.find(build_tag);
  return !thing.build.empty() && found != tags.end() && found->second == thing.build;
}

std::string client_token(const std::vector<std::string>& words) {
  // The length of each word keeps {"ab", "c"} and {"a", "bc"} apart.
  std::string text;
  for (const std::string& word : words) text += std::to_string(word.size()) + ":" + word;
  return digest_of(DigestAlgorithm::sha256, text);
}

std::string ec2_name(const std::string& build_id) {
  return "toehold-" + build_id;
}

}  // namespace toehold
