#include "actions/s3_address.hpp"

#include "runner/base/error.hpp"

namespace toehold {

void check_s3_address(const Value& item, const char* key, bool key_required,
                      const Deferred& deferred, Diagnostics& diagnostics) {
  const Value* value = item.find(key);
  if (!value || !value->is_scalar() || value->is_null() || deferred(*value)) return;
  const std::string& text = value->text();
  const std::size_t slash = text.size() > 5 ? text.find('/', 5) : std::string::npos;
  const bool has_bucket = text.starts_with("s3://") && text.size() > 5 && slash != 5;
  const bool has_key = slash != std::string::npos && slash + 1 < text.size();
  if (!text.starts_with("s3://")) {
    diagnostics.error(codes::invalid_value, value->where,
                      std::string("'") + key + "' is no S3 address: " + text,
                      "write s3://BUCKET/KEY; WebDownload takes https addresses");
    return;
  }
  // Published documents carry placeholders for whole addresses, so this is no error.
  if (!has_bucket || (key_required && !has_key)) {
    diagnostics.warning(codes::invalid_value, value->where,
                        std::string("'") + key + "' names no object: " + text,
                        "write s3://BUCKET/KEY");
    return;
  }
  const std::size_t star = text.find('*');
  if (star != std::string::npos && (star + 1 != text.size() || text[star - 1] != '/')) {
    diagnostics.error(codes::invalid_value, value->where,
                      "'*' may stand only as the whole last part of an S3 address",
                      "write s3://BUCKET/PREFIX/* for everything below a prefix");
  }
}

ObjectAddress s3_address(const std::string& text, const std::optional<std::string>& owner,
                         bool key_required) {
  auto address = parse_object_address(text);
  if (!address || (key_required && address->key.empty())) {
    throw Error(Error::Kind::usage, "'" + text + "' is no address of an object",
                "write s3://BUCKET/KEY");
  }
  address->expected_owner = owner.value_or("");
  return *address;
}

TransferControl transfer_control(ActionContext& context, const std::string& name) {
  return {context.deadline, context.stop, [&context] { context.output(Stream::out, {}); },
          [&context, name](const std::string& text) { context.note(name + ": " + text); }};
}

}  // namespace toehold
