#include "runner/engine/object_store.hpp"

namespace toehold {

std::string to_string(const ObjectAddress& address) {
  return "s3://" + address.bucket + "/" + address.key;
}

}  // namespace toehold
