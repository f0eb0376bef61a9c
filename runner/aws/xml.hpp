// XML answers of S3, EC2 and STS as a Value: an element is a map of its children, a leaf its text;
// children of one name become a list. Called by the service files; attributes and namespaces are
// dropped, entities beyond the five of XML and numeric ones are refused. Depth and size are
// limited.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/value.hpp"

namespace toehold::aws {

/// The root element's content under its name: {"ListBucketResult": {...}}. Throws Error(aws) when
/// the text is not well-formed.
Value parse_xml(std::string_view text);
/// The same of what a service has answered to `call`, "S3 DeleteObjects", which the error names.
Value parse_xml_answer(std::string_view text, const std::string& call);
/// `parent`'s children called `name`, none, one or several, as a list.
std::vector<Value> children(const Value& parent, std::string_view name);
/// The text of a child of a child ...; empty when it is not there.
std::string text_at(const Value& root, std::initializer_list<std::string_view> path);

}  // namespace toehold::aws
