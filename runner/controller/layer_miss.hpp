// Says why a step has no layer in the cache: what is different from the last time it was done.
// Called by the sandbox for notes and for `build --explain`; decides nothing.
#pragma once

#include <string>

#include "runner/controller/layer_store.hpp"

namespace toehold {

/// What a step would be kept as.
struct WantedLayer {
  std::string step;  // "build.Install"
  std::string action;
  std::string parent;         // identity of the layer below
  std::string ground;         // "the base", when there is no layer below
  Value parts{Value::Map()};  // key_parts() of it
};

struct LayerMiss {
  bool known_step = false;  // it was done before, in some other way
  std::string why;          // "input 'commands' has changed since 2026-11-25T20:15:00Z"
};

/// Reads all records of `store`.
LayerMiss explain_miss(const LayerStore& store, const WantedLayer& wanted);

}  // namespace toehold
