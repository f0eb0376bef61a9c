// How EC2's requests and answers are put together: parameters, tags, pages, and the texts, numbers
// and times of elements. Called by the ec2_ files only.
// Source: the EC2 API Reference, version 2016-11-15.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runner/aws/ec2.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws::ec2 {

// Of requests: null for what is empty, which query_call leaves out.
Value said(const std::string& text);
Value said(const std::vector<std::string>& texts);
template <class T>
Value said(const std::optional<T>& value) {
  return value ? Value(*value) : Value();
}
Value filters_of(const Filters& filters);
/// Kinds of things ("instance") with the tags that they get when they are made.
Value tag_specifications(std::initializer_list<std::pair<const char*, Tags>> tags);

/// `resource`: what a message calls it.
Call ec2_call(const Region& region, const std::string& operation, const Value& parameters,
              const std::string& resource = {});
/// send_query, with a denial in full: what STS says that its encoded message hides or, where we may
/// not ask, how to.
Result<Value> send(const Region& region, const Call& call, const Control& control);
/// For who needs nothing of the answer.
Result<Done> do_call(const Region& region, const Call& call, const Control& control);

/// Of at most 100.
std::vector<std::vector<std::string>> batches_of(const std::vector<std::string>& ids);
/// The items of the list `list` of all pages.
Result<Value::List> all_pages(const Region& region, const std::string& operation, Value parameters,
                              std::string_view list, const Control& control);
/// The same for many ids, batch by batch, as `id_name`.1 ...; no ids: no call.
Result<Value::List> all_of(const Region& region, const std::string& operation,
                           const std::string& id_name, const std::vector<std::string>& ids,
                           std::string_view list, const Control& control);
/// Of each item what `read` makes of it.
template <class Read>
auto read_all(const Result<Value::List>& items, const Read& read) {
  return items.then([&](const Value::List& list) {
    std::vector<std::invoke_result_t<Read, const Value&>> all;
    for (const Value& item : list) all.push_back(read(item));
    return all;
  });
}

// Of answers: empty, false or none for what is not there.
std::string text(const Value& item, std::string_view name);
bool flag(const Value& item, std::string_view name);
std::optional<std::int64_t> number(const Value& item, std::string_view name);
std::optional<UnixMillis> time(const Value& item, std::string_view name);
std::vector<std::string> texts(const Value& item, std::string_view list);
Reason reason(const Value& item, std::string_view name);
Tags tags(const Value& item);

}  // namespace toehold::aws::ec2
