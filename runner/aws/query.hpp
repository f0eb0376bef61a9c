// The Query protocol of EC2 and STS: parameters as a form, answers as XML, and Result, an answer
// whose failure is a value. Called by the ec2_ files and sts; it knows no call by name.
// Source: "Query requests for Amazon EC2" and "Making API requests" of the EC2 API Reference.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runner/aws/client.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

/// What a call gave, or what it failed of, for who expects some failures:
///   auto made = ec2::run_instance(region, request, control);
///   if (made.failure && ec2::is_capacity(*made.failure)) ...the next type
///   Instance instance = made.require();
/// Also holds what never had an answer (network, deadline, stop): status 0, or its `ending`.
template <class T>
struct [[nodiscard]] Result {
  std::optional<T> value;
  std::optional<Failure> failure;
  std::optional<Error> error;  // `failure` in words; there when it is

  bool ok() const { return value.has_value(); }
  /// Throws the Error that Client::require would.
  T require() {
    if (error) throw Error(*error);
    return std::move(*value);
  }
  /// What `read` makes of it, or the same failure.
  template <class Read>
  auto then(const Read& read) const -> Result<std::invoke_result_t<Read, const T&>> {
    if (!value) return {{}, failure, error};
    return {read(*value), {}, {}};
  }
};
/// Of calls that answer nothing but that it is done.
struct Done {};

/// A form of these parameters. Maps and lists are named as EC2 does: `Ebs.VolumeSize=8`,
/// `InstanceId.1=i-1`; booleans as true and false. What is null, and empty lists and maps are left
/// out; an empty text is sent.
Call query_call(const Service& service, std::string_view version, const std::string& operation,
                const Value& parameters);

/// Sends it; the content of <OperationResponse>. Throws Error(aws) that names the call when a
/// success cannot be read, and as Client::send does.
Result<Value> send_query(Client& client, const Call& call, const Control& control);

/// The <item>s of the list `name`; none when it is not there.
std::vector<Value> items(const Value& parent, std::string_view name);
/// Of an element that has to be there. Throws Error(aws) "EC2 RunInstances: the answer has no
/// instanceId".
std::string required_text(const Call& call, const Value& parent,
                          std::initializer_list<std::string_view> path);

}  // namespace toehold::aws
