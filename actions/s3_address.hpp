// What the two S3 actions share: addresses as they stand in a document, and how a transfer tells
// the step of itself. Called by them only; moves no data.
#pragma once

#include <optional>
#include <string>

#include "runner/engine/action.hpp"

namespace toehold {

/// Reports `key` unless it is s3://bucket/key (or s3://bucket/ without `key_required`).
void check_s3_address(const Value& item, const char* key, bool key_required,
                      const Deferred& deferred, Diagnostics& diagnostics);

/// Throws Error(usage) for what is no s3:// address, or has no key where one is required.
ObjectAddress s3_address(const std::string& text, const std::optional<std::string>& owner,
                         bool key_required);
/// `name` of the action begins its notes; the context outlives the result.
TransferControl transfer_control(ActionContext& context, const std::string& name);

}  // namespace toehold
