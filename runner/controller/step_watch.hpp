// StepWatch: what an Instance tells of its last run: its steps, and the one that failed. A reader
// of events like the reports; the instances of every target have one.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "runner/controller/manifest.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

class StepWatch final : public EventSink {
 public:
  StepWatch(std::vector<ManifestStep>& steps, std::string& failed)
      : steps_(steps), failed_(failed) {}
  void on(const Event& event) override {
    if (const auto* started = std::get_if<StepStarted>(&event.data)) {
      ManifestStep fresh{started->step, started->phase, started->name, {}, false, 0, {}};
      const auto known = find(started->step);  // of an earlier run of the same stage
      if (known == steps_.end()) {
        steps_.push_back(std::move(fresh));
      } else {
        fresh.files = std::move(known->files);  // what that run has changed is still so
        *known = std::move(fresh);
      }
    }
    const auto* finished = std::get_if<StepFinished>(&event.data);
    if (!finished) return;
    const auto step = find(finished->step);
    if (step == steps_.end()) return;
    step->result = finished->status;
    step->cached = finished->cached.value_or(false);
    step->seconds = finished->seconds;
    if (finished->status == "failed") failed_ = step->phase + "." + step->name;
  }

 private:
  std::vector<ManifestStep>::iterator find(const std::string& id) {
    return std::find_if(steps_.begin(), steps_.end(),
                        [&](const ManifestStep& step) { return step.id == id; });
  }

  std::vector<ManifestStep>& steps_;
  std::string& failed_;
};

}  // namespace toehold
