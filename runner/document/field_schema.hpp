// Field tables as JSON Schema (draft-07): the parts that the schemas of documents and of recipes
// share. Called by those two; knows the kinds of fields and nothing of where they stand.
#pragma once

#include <initializer_list>
#include <span>
#include <string>

#include "runner/base/fields.hpp"
#include "runner/base/value.hpp"

namespace toehold {

/// Where a reference may stand in place of the value.
enum class References { no, yes };

/// A map with the fields and no others.
Value object_schema(std::span<const FieldInfo> fields, References references);

/// Replaces what the table cannot say about `key`, and keeps its description.
void refine(Value& object, const char* key, Value schema);

Value strings(std::initializer_list<const char*> texts);
Value strings(std::span<const std::string> texts);
Value text_with_pattern(const std::string& pattern);
Value any_of(Value::List alternatives);
/// `items`, at least one of them.
Value list_schema(Value items);
/// A list of `item`s or the item itself; if/then/else so that editors blame the right one.
Value list_or_one(Value list, Value item);

}  // namespace toehold
