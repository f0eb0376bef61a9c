// The calls of EC2 for aws_probe: one a question, its arguments by name. Called by aws_probe.cpp
// alone; knows of the answers only what tests look at.
#pragma once

#include <string>

#include "runner/aws/ec2.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws::test {

/// {"call": "run_instance", "image": "ami-1", ...}. A failure that is a value comes back as
/// {"code": ..., "kinds": ["not_found"]}; others are thrown.
Value call_ec2(const ec2::Region& region, const Value& question);

/// Makes an HttpClient that sends nothing: `form` becomes the body of the last request, and every
/// call fails.
MakeHttpClient record_forms(std::string& form);

}  // namespace toehold::aws::test
