#include "runner/document/loop_reader.hpp"

#include "runner/document/codes.hpp"
#include "runner/document/reader.hpp"
#include "runner/document/reader_checks.hpp"
#include "runner/document/template.hpp"

namespace toehold {

namespace {

constexpr std::string_view delimiters = ".,;:\n\t -_";

class LoopReader {
 public:
  LoopReader(std::string owner, Diagnostics& diagnostics)
      : owner_(std::move(owner)), diagnostics_(diagnostics) {}

  std::optional<Loop> read(const Value& value) {
    static const std::vector<FieldInfo> fields = loop_fields();
    const std::size_t errors_before = diagnostics_.error_count();
    if (!check_fields(fields, value, owner_, is_deferred, diagnostics_) && !value.is_map()) {
      return std::nullopt;
    }
    loop_.as_written = value;
    loop_.where = value.where;
    name(value.find("name"));
    const Value* range = value.find("for");
    const Value* each = value.find("forEach");
    if ((range == nullptr) == (each == nullptr)) {
      wrong(value.where,
            owner_ + (range ? " has both 'for' and 'forEach'" : " has neither 'for' nor 'forEach'"),
            "a loop is one of\n"
            "  for: {start: 1, end: 3, updateBy: 1}\n"
            "  forEach: [one, two]\n"
            "  forEach: {list: 'one,two', delimiter: ','}");
    }
    if (range && range->is_map()) count(*range);
    if (each) items(*each);
    if (diagnostics_.error_count() > errors_before) return std::nullopt;
    return std::move(loop_);
  }

 private:
  void wrong(SourceLocation where, std::string message, std::string hint) {
    diagnostics_.error(codes::loop_shape, where, std::move(message), std::move(hint));
  }

  bool no_reference(const Value& value, const std::string& key) {
    return report_misplaced_reference(value, "'" + key + "' of " + owner_, diagnostics_);
  }

  void name(const Value* name) {
    if (!name || !name->is_scalar() || name->is_null() || name->text().empty()) return;
    if (no_reference(*name, "name")) return;
    if (!is_plain_name(name->text())) {
      diagnostics_.error(codes::name_syntax, name->where,
                         "'" + name->text() + "' cannot be the name of a loop",
                         "a name has letters, digits, '_' and '-'");
    }
    loop_.name = name->text();
    loop_.where = name->where;
  }

  /// A whole number, or nullopt where one is missing or was found wrong by the table.
  std::optional<std::int64_t> number(const Value& map, const char* key) {
    const Value* value = map.find(key);
    if (!value || no_reference(*value, key)) return std::nullopt;
    return value->as_int();
  }

  void count(const Value& map) {
    const auto start = number(map, "start");
    const auto end = number(map, "end");
    const auto update_by = number(map, "updateBy");
    if (!start || !end || !update_by) return;
    const std::string way = "from " + std::to_string(*start) + " to " + std::to_string(*end);
    if (*update_by == 0) {
      wrong(map.find("updateBy")->where, owner_ + " never ends: 'updateBy' is 0",
            *start <= *end ? "write updateBy: 1" : "write updateBy: -1");
    } else if (*update_by > 0 ? *start > *end : *start < *end) {
      wrong(map.find("updateBy")->where,
            owner_ + " cannot go " + way + " in steps of " + std::to_string(*update_by),
            *update_by > 0 ? "make 'updateBy' negative to count down"
                           : "make 'updateBy' positive to count up");
    } else {
      loop_.range = Loop::Range{*start, *end, *update_by};
    }
  }

  void items(const Value& each) {
    if (each.is_list()) {
      list(each);
    } else if (each.is_map()) {
      delimited(each);
    } else {
      wrong(each.where.known() ? each.where : loop_.where,
            "'forEach' of " + owner_ + " is " + kind_name(each) + " and no list",
            each.is_null() ? "write a list: [one, two]"
                           : "write [one, two], or {list: 'one,two', delimiter: ','} to split a "
                             "text");
    }
  }

  void list(const Value& each) {
    if (each.list().empty()) {
      diagnostics_.warning(codes::loop_shape, each.where,
                           "'forEach' of " + owner_ + " is empty, so the step does nothing",
                           "add items, or remove the step");
    }
    for (const Value& item : each.list()) {
      if (item.is_scalar() && !item.is_null()) continue;
      diagnostics_.error(
          codes::wrong_type, item.where.known() ? item.where : each.where,
          "an item of 'forEach' of " + owner_ + " takes text, not " + kind_name(item),
          item.is_map() ? "if this is one text, put it in quotes" : "");
    }
    loop_.values = each.list();
  }

  void delimited(const Value& each) {
    static const std::vector<FieldInfo> fields = for_each_fields();
    if (!check_fields(fields, each, "'forEach' of " + owner_, is_deferred, diagnostics_)) return;
    Loop::Delimited result;
    result.list = *each.find("list");
    const Value* delimiter = each.find("delimiter");
    if (delimiter && !delimiter->is_null()) {
      if (no_reference(*delimiter, "delimiter")) return;
      const std::string& text = delimiter->text();
      if (text.size() != 1 || delimiters.find(text[0]) == std::string_view::npos) {
        wrong(delimiter->where, "'delimiter' of " + owner_ + " cannot be '" + text + "'",
              "write one of . , ; : - _ \"\\n\" \"\\t\" ' '");
        return;
      }
      result.delimiter = text[0];
    }
    loop_.delimited = std::move(result);
  }

  const std::string owner_;
  Diagnostics& diagnostics_;
  Loop loop_;
};

}  // namespace

std::optional<Loop> read_loop(const Value& value, const std::string& step_owner,
                              Diagnostics& diagnostics) {
  return LoopReader("'loop' of " + step_owner, diagnostics).read(value);
}

}  // namespace toehold
