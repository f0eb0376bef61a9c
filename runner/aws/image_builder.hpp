// EC2 Image Builder: the document of a component. Called where a document's name is an ARN.
// Source: GetComponent of the Image Builder API reference.
#pragma once

#include <string>
#include <string_view>

#include "runner/aws/client.hpp"

namespace toehold::aws {

/// Whether `name` is to be an ARN of Image Builder, well-formed or not.
bool is_image_builder_arn(std::string_view name);

/// The component's document. `arn` ends with a build version (/1.0.2/1), a version (/1.0.2) or one
/// with wildcards (/1.x.x): its newest. Asked in the ARN's region. Throws Error(usage) for another
/// ARN, Error(aws) when there is no such component or its document cannot be had.
std::string get_component(Client& client, const std::string& arn, const Control& control);

}  // namespace toehold::aws
