// A struct read from JSON text by its field table: for what one part of this program writes and
// another reads. Called by the engine's and the relay's messages; collects no diagnostics.
#pragma once

#include <string>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"

namespace toehold {

/// `what` is what a message calls the text. Throws Error(document) with the first mistake.
template <class T>
T decode_json(const Fields<T>& fields, const std::string& text, const char* what) {
  Diagnostics diagnostics(nullptr);
  auto decoded = fields.decode(parse_json(text), what, diagnostics);
  if (!decoded) throw Error(Error::Kind::document, diagnostics.items().front().message);
  return std::move(*decoded);
}

}  // namespace toehold
