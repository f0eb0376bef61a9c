#include "runner/controller/remote_documents.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "runner/agent/document_source.hpp"
#include "runner/base/json.hpp"
#include "runner/document/validator.hpp"

namespace toehold {

namespace {

using Visit = std::function<void(const Step& step, const Value& name)>;

void for_each_nested(const Document& document, const Visit& visit) {
  for (const Phase& phase : document.phases) {
    for (const Step& step : phase.steps) {
      if (step.action != "ExecuteDocument") continue;
      const Value::List one{step.inputs};
      for (const Value& inputs : step.inputs.is_list() ? step.inputs.list() : one) {
        const Value* name = inputs.is_map() ? inputs.find("document") : nullptr;
        if (name && !is_remote_document(name->text())) visit(step, *name);
      }
    }
  }
}

bool is_known_later(const std::string& name) {
  return name.find("{{") != std::string::npos;
}

SourcePtr read_nested(const std::string& name, const SourceTexts* known) {
  if (known) {
    const auto text = known->find(name);
    return text == known->end() ? nullptr : std::make_shared<SourceText>(name, text->second);
  }
  std::error_code error;
  return std::filesystem::is_regular_file(name, error) ? read_document_file(name) : nullptr;
}

void collect(const Document& document, const ActionRegistry& actions, const SourceTexts* texts,
             std::vector<StageFile>& found) {
  for_each_nested(document, [&](const Step&, const Value& value) {
    const std::string name = value.text();
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const StageFile& other) { return other.name == name; });
    if (known || is_known_later(name)) return;
    const SourcePtr source = read_nested(name, texts);
    if (!source) return;
    found.push_back({name, std::string(source->text())});
    // Its mistakes are told where it runs.
    if (const auto loaded = load_document(source, actions, {}); loaded.document) {
      collect(*loaded.document, actions, texts, found);
    }
  });
}

Value to_list(const Parameters& parameters) {
  Value::List list;
  for (const auto& [name, value] : parameters) {
    list.push_back(Value::object({{"name", name}, {"value", value}}));
  }
  return Value(std::move(list));
}

}  // namespace

std::string sent_document_name(std::size_t index) {
  return "document-" + std::to_string(index + 1) + ".yaml";
}

std::string remote_run_config(const Stage& stage, const std::string& place) {
  Value::List documents;
  for (std::size_t i = 0; i < stage.documents.size(); ++i) {
    Value document = Value::object({{"path", place + "-" + sent_document_name(i)}});
    if (!stage.documents[i].parameters.empty()) {
      document.set("parameters", to_list(stage.documents[i].parameters));
    }
    documents.push_back(std::move(document));
  }
  Value config = Value::object({{"documents", Value(std::move(documents))},
                                {"stateDirectory", place + "/state"},
                                {"logDirectory", place + "/logs"}});
  if (!stage.phases.empty()) config.set("phases", stage.phases);
  return to_json(config, 2) + "\n";
}

std::vector<StageFile> nested_documents(const std::vector<DocumentRun>& documents,
                                        const ActionRegistry& actions, const SourceTexts* known) {
  std::vector<StageFile> found;
  for (const DocumentRun& run : documents) collect(*run.document, actions, known, found);
  return found;
}

std::vector<StageFile> stage_files(const Stage& stage, const std::string& place,
                                   const ActionRegistry* actions) {
  std::vector<StageFile> files;
  std::vector<StageFile> nested;
  if (actions) nested = nested_documents(stage.documents, *actions, stage.sources);
  for (std::size_t i = 0; i < stage.documents.size(); ++i) {
    const Document& document = *stage.documents[i].document;
    files.push_back({sent_document_name(i), std::string(document.source->text())});
  }
  Value places{Value::Map()};
  for (std::size_t i = 0; i < nested.size(); ++i) {
    const std::string name = "nested-" + std::to_string(i + 1) + ".yaml";
    files.push_back({name, std::move(nested[i].text)});
    places.set(nested[i].name, place + "-" + name);
  }
  files.push_back({"nested.json", to_json(places, 2) + "\n"});
  files.push_back({"run.json", remote_run_config(stage, place)});
  return files;
}

void warn_of_unsent_documents(const std::vector<DocumentRun>& documents, Diagnostics& diagnostics) {
  for (const DocumentRun& run : documents) {
    Diagnostics own(run.document->source);
    for_each_nested(*run.document, [&](const Step& step, const Value& name) {
      if (!is_known_later(name.text())) return;
      own.warning(codes::invalid_value, name.where.known() ? name.where : step.where,
                  "which document this is will be known only when the step runs, so it is not sent "
                  "along",
                  "write its path, or let an earlier step bring it to the machine");
    });
    diagnostics.append(own);
  }
}

}  // namespace toehold
