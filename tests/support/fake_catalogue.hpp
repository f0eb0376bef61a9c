// A small set of action tables, one of each kind that the document language tells apart, and a
// short way to read a document with them. Used by the tests of runner/document; runs nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/document/action_info.hpp"
#include "runner/document/validator.hpp"

namespace toehold {

class FakeCatalogue final : public ActionCatalogue {
 public:
  FakeCatalogue();
  const ActionInfo* find_info(std::string_view name) const override;
  std::vector<const ActionInfo*> all_infos() const override;

 private:
  std::vector<ActionInfo> infos_;
};

/// load_document over `text` with the fake catalogue.
LoadedDocument load_text(const std::string& text, const ValidationOptions& options = {});
/// The same for a document with the parameter Param, the constant Fixed and one phase, build. Its
/// `steps` are list items at column 0; they come to stand from line 7 on, two columns to the right.
LoadedDocument load_steps(const std::string& steps, const ValidationOptions& options = {});
/// Each as `line:column severity[code] message | hint`, in the order of the document.
std::vector<std::string> findings(const LoadedDocument& loaded);
/// All of them as one text, for messages of failed tests and for substring checks.
std::string all_findings(const LoadedDocument& loaded);

}  // namespace toehold
