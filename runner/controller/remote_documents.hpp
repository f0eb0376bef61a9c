// The files that a stage takes to another machine: its documents, those that ExecuteDocument steps
// name by a path and that are here, and what the run there is told. Called by remote_agent and the
// providers of machines with a Transport; reads files, sends nothing.
#pragma once

#include <string>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/controller/provider.hpp"
#include "runner/engine/plan.hpp"
#include "runner/engine/registry.hpp"

namespace toehold {

struct StageFile {
  std::string name;
  std::string text;
};

/// They are to be sent as PLACE-NAME; the last one is run.json, for `run --config` there. `actions`
/// is for reading nested documents; null: none are sent.
std::vector<StageFile> stage_files(const Stage& stage, const std::string& place,
                                   const ActionRegistry* actions);

/// What ExecuteDocument steps name by a path that is here, at any depth; `known`: texts that are
/// taken for files of these names; may be null.
std::vector<StageFile> nested_documents(const std::vector<DocumentRun>& documents,
                                        const ActionRegistry& actions,
                                        const SourceTexts* known = nullptr);

/// What the stage's document number `index`, from 0, is called there.
std::string sent_document_name(std::size_t index);

/// The JSON for `run --config` there, with state and logs in the folder `place`. Holds the
/// parameters' values.
std::string remote_run_config(const Stage& stage, const std::string& place);

/// Warns of names that are known only when the step runs: those documents are not sent.
void warn_of_unsent_documents(const std::vector<DocumentRun>& documents, Diagnostics& diagnostics);

}  // namespace toehold
