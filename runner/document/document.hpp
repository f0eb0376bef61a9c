// The document as plain data: what the reader makes of the YAML and everything else works on.
// Names and defaults are those of the AWSTOE document language; nothing here is executable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/source.hpp"
#include "runner/base/value.hpp"
#include "runner/document/condition.hpp"

namespace toehold {

struct Constant {
  std::string name;
  std::string value;
  SourceLocation where;
};

struct Parameter {
  std::string name;
  std::string type = "string";
  std::optional<std::string> default_value;
  std::string description;
  std::vector<std::string> allowed_values;  // empty: anything
  SourceLocation where;
};

enum class OnFailure { abort, continue_, ignore };
const char* to_string(OnFailure value);  // "Abort", "Continue", "Ignore"

/// Exactly one of the three forms is set.
struct Loop {
  struct Range {
    std::int64_t start = 0, end = 0, update_by = 1;
  };
  struct Delimited {
    Value list;
    char delimiter = ',';
  };
  std::string name;
  std::optional<Range> range;
  std::optional<std::vector<Value>> values;
  std::optional<Delimited> delimited;
  Value as_written;  // for detailedoutput.json
  SourceLocation where;
};

struct Step {
  std::string name;
  std::string action;
  Value inputs;  // as written, references unresolved; null when there are none
  std::optional<If> condition;
  std::optional<Loop> loop;
  std::int64_t timeout_seconds = 7200;  // -1: no limit
  OnFailure on_failure = OnFailure::abort;
  std::int64_t max_attempts = 1;
  bool disable_logging = false;
  SourceLocation where;       // of the step's list item
  SourceLocation name_where;  // of the values
  SourceLocation action_where;
  SourceLocation timeout_where;  // unknown when not written
  SourceLocation attempts_where;
};

struct Phase {
  std::string name;
  std::vector<Step> steps;
  SourceLocation where;
};

struct Document {
  SourcePtr source;
  std::string name;
  std::string description;
  std::vector<Parameter> parameters;
  std::vector<Constant> constants;
  std::vector<Phase> phases;  // they run in this order, whatever the command line says
};

}  // namespace toehold
