// What the two S3 actions share. Called by them only.
// Moves no data: this version validates S3 steps and refuses to run them.
#pragma once

#include <string>

#include "runner/engine/action.hpp"

namespace toehold {

/// Reports `key` unless it is s3://bucket/key (or s3://bucket/ without `key_required`).
void check_s3_address(const Value& item, const char* key, bool key_required,
                      const Deferred& deferred, Diagnostics& diagnostics);

Failed s3_unavailable(const std::string& address);

}  // namespace toehold
