#include "runner/aws/session.hpp"

#include <algorithm>
#include <cstdlib>

#include "runner/aws/client.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/error.hpp"

namespace toehold::aws {

namespace {
constexpr UnixMillis renew_before = 5 * 60 * 1000;
constexpr UnixMillis try_again_after = 60 * 1000;
constexpr UnixMillis tolerated_skew = 60 * 1000;
constexpr std::size_t most_helpers = 32;
}  // namespace

Session::Session(std::function<Settings()> read, MakeHttpClient make_http, Clock& clock,
                 ProcessRunner& processes)
    : read_(std::move(read)),
      make_http_(std::move(make_http)),
      clock_(clock),
      processes_(processes) {}

Session::Session(Settings settings, MakeHttpClient make_http, Clock& clock,
                 ProcessRunner& processes, std::unique_ptr<CredentialProvider> provider)
    : read_([settings = std::move(settings)] { return settings; }),
      make_http_(std::move(make_http)),
      clock_(clock),
      processes_(processes),
      provider_(std::move(provider)) {}

void Session::load() {
  std::call_once(loaded_, [this] {
    settings_ = read_();
    metadata_http_ = make_http_();
    imds_ = std::make_unique<Imds>(*settings_, *metadata_http_, clock_);
    if (provider_) return;
    credentials_http_ = make_http_();
    provider_ =
        default_credential_chain(*settings_, {*credentials_http_, clock_, processes_, *imds_});
  });
}

const Settings& Session::settings() {
  load();
  return *settings_;
}

Imds& Session::imds() {
  load();
  return *imds_;
}

std::string Session::region(Deadline deadline, std::stop_token stop) {
  load();
  if (!settings_->region.empty()) return settings_->region;
  const std::lock_guard lock(mutex_);
  if (!region_.empty()) return region_;
  std::string why;
  try {
    region_ = imds_->region(deadline, stop).value_or("");
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::aws) throw;
    why = "; instance metadata: " + std::string(error.what());
  }
  if (region_.empty()) {
    throw Error(Error::Kind::aws, "no AWS region is known" + why,
                "set AWS_REGION, or region of the profile in ~/.aws/config");
  }
  return region_;
}

Credentials Session::credentials(Deadline deadline, std::stop_token stop,
                                 const std::string& rejected) {
  load();
  const std::lock_guard lock(mutex_);
  const bool known = credentials_ && credentials_->access_key_id != rejected;
  if (known && (!credentials_->expires || now() < renew_at_)) return *credentials_;
  bool renewed = false;
  try {
    auto found = provider_->find(deadline, stop);
    if (!found) throw Error(Error::Kind::aws, "no AWS credentials were found");
    credentials_ = std::move(*found);
    renewed = true;
  } catch (const Error&) {
    // What is still good for a while is better than none.
    const bool usable = known && *credentials_->expires > now();
    if (!usable) throw;
  }
  plan_renewal(renewed);
  return *credentials_;
}

/// Not before each call while they end soon: their source may give the same ones again, or be away.
void Session::plan_renewal(bool renewed) {
  if (!credentials_->expires) return;
  const UnixMillis time = now();
  const UnixMillis left = std::max<UnixMillis>(*credentials_->expires - time, 0);
  if (!renewed) {
    renew_at_ = time + std::min(left / 2, try_again_after);
  } else if (left > 2 * renew_before) {
    renew_at_ = *credentials_->expires - renew_before;
  } else {
    renew_at_ = time + left / 2;
  }
}

std::string Session::account_id(Deadline deadline, std::stop_token stop) {
  load();
  {
    const std::lock_guard lock(mutex_);
    if (!account_.empty()) return account_;
  }
  std::string found;
  try {
    found = imds_->account_id(deadline, stop).value_or("");
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::aws) throw;  // off EC2: STS knows
  }
  if (found.empty()) {
    Call call;
    call.service = &services::sts;
    call.operation = "GetCallerIdentity";
    call.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    call.body = "Action=GetCallerIdentity&Version=2011-06-15";
    Client client(*this);
    found = text_at(
        parse_xml_answer(client.require(call, {deadline, stop, {}}).body, "STS GetCallerIdentity"),
        {"GetCallerIdentityResponse", "GetCallerIdentityResult", "Account"});
  }
  const std::lock_guard lock(mutex_);
  account_ = found;
  return account_;
}

std::string Session::bucket_region(const std::string& bucket) {
  const std::lock_guard lock(mutex_);
  const auto at = bucket_regions_.find(bucket);
  return at == bucket_regions_.end() ? std::string() : at->second;
}

void Session::set_bucket_region(const std::string& bucket, const std::string& region) {
  const std::lock_guard lock(mutex_);
  bucket_regions_[bucket] = region;
}

bool Session::take_helper() {
  if (++helpers_ <= most_helpers) return true;
  --helpers_;
  return false;
}

UnixMillis Session::now() const {
  return clock_.unix_millis() + skew_;
}

std::int64_t Session::correct_clock(UnixMillis server_time) {
  const std::int64_t off = server_time - now();
  if (std::abs(off) >= tolerated_skew) skew_ += off;
  return skew_;
}

}  // namespace toehold::aws
