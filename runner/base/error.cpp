#include "runner/base/error.hpp"

#include <cstring>
#include <utility>

namespace toehold {

Error::Error(Kind kind, const std::string& message, std::string hint)
    : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

Error Error::from_errno(const std::string& what, int errno_value, std::string hint) {
  return Error(Kind::io, what + ": " + std::strerror(errno_value), std::move(hint));
}

Error& Error::during(std::string what) {
  frames_.push_back(std::move(what));
  return *this;
}

std::string Error::full_message() const {
  std::string text;
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) text += *frame + ": ";
  return text + what();
}

std::string full_message(const std::exception& exception) {
  const auto* error = dynamic_cast<const Error*>(&exception);
  return error ? error->full_message() : exception.what();
}

}  // namespace toehold
