// SsmRelay: one program on an instance, through the agent's `relay`: what it prints comes as
// objects of S3 or, where the instance has no way to S3, as events of CloudWatch Logs where a group
// is named for that, else by Run Command, piece by piece. Made by
// the SSM transport for each program; a relay of another controller, or of an earlier one, has
// another id and is none of its business.
#pragma once

#include "runner/controller/ssm_channel.hpp"
#include "runner/controller/ssm_log_stream.hpp"

namespace toehold {

class SsmRelay {
 public:
  /// `reaches_s3`: false when the instance is known not to; it would try for ten seconds.
  SsmRelay(SsmChannel& channel, aws::Session& session, bool reaches_s3, OnOutput on_output,
           SsmWait wait);

  /// Throws Error(network) when the program is lost; whatever else is thrown, it has been told to
  /// end, as after a deadline or a stop.
  ProcessResult run(const std::vector<std::string>& argv);

 private:
  RelayRequest request(const std::string& work);
  /// With a policy to post by, if that is any use.
  RelayRequest request_with_post(const std::string& work);
  /// Where its events would go.
  aws::LogTarget log_stream() const;
  SsmScript script(const RelayRequest& request, const std::vector<std::string>& argv = {}) const;
  ProcessResult follow(const RelayAnswer& answer);
  ProcessResult shell_result(const RelayAnswer& answer) const;
  void follow_chunks();
  /// False when the next chunk is not there yet.
  bool take_chunk();
  bool take_object();
  void look_after_it();
  void follow_spool();
  void take_frame(Frame kind, std::string_view payload);
  void remove_taken(std::size_t least);

  SsmChannel& channel_;
  aws::Session& session_;
  const bool reaches_s3_;
  OnOutput on_output_;
  SsmWait wait_;
  const std::string id_;
  std::string prefix_;  // of its objects
  ChunkReader chunks_;
  std::optional<ProcessResult> end_;
  Monotonic heard_, renew_at_;
  bool spooled_ = false;
  std::optional<SsmLogStream> log_stream_;
  std::vector<std::string> taken_;  // keys of objects that are not needed any more
};

}  // namespace toehold
