// DetailedOutput: detailedoutput.json, the whole record of a run in awstoe's shape, nested
// documents in the step that called them. Written when a document ends, at a reboot and at the end.
// Fed the journal's old events first when a run goes on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/document/action_info.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

class DetailedOutput final : public EventSink {
 public:
  /// `actions` outlives the report.
  DetailedOutput(std::filesystem::path path, const ActionCatalogue& actions)
      : path_(std::move(path)), actions_(actions) {}
  void on(const Event& event) override;
  /// Why it is not all there; empty: it is.
  const std::string& problem() const { return problem_; }

 private:
  struct StepRecord {
    StepStarted started;
    UnixMillis begun = 0, ended = 0;
    std::optional<StepFinished> finished;
    std::vector<std::string> documents;  // ids of nested ones
  };
  struct PhaseRecord {
    std::string name, status, message;
    UnixMillis begun = 0, ended = 0;
    std::vector<std::string> steps;  // ids
  };
  struct DocumentRecord {
    DocumentStarted started;
    std::string status, message;
    UnixMillis begun = 0, ended = 0;
    std::vector<PhaseRecord> phases;
  };

  PhaseRecord* phase(const std::string& document, const std::string& name);
  Value document_value(const DocumentRecord& record) const;
  Value step_value(const StepRecord& record) const;
  Value run_value() const;
  void write();

  std::filesystem::path path_;
  std::string problem_;
  const ActionCatalogue& actions_;
  RunStarted run_;
  RunFinished finished_;
  UnixMillis begun_ = 0, ended_ = 0;
  std::vector<std::string> top_documents_;
  std::unordered_map<std::string, DocumentRecord> documents_;
  std::unordered_map<std::string, StepRecord> steps_;
};

}  // namespace toehold
