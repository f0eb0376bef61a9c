#include "runner/aws/endpoint.hpp"

#include <algorithm>
#include <array>

#include "runner/aws/sigv4.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

struct PartitionRule {
  const char* region_prefix;
  Partition partition;
  const char* dual_stack_suffix;
};

constexpr std::array partitions{
    PartitionRule{"cn-", {"aws-cn", "amazonaws.com.cn"}, "api.amazonwebservices.com.cn"},
    PartitionRule{"us-gov-", {"aws-us-gov", "amazonaws.com"}, "api.aws"},
    PartitionRule{"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}, "api.aws.scloud"},
    PartitionRule{"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}, "api.aws.hci.ic.gov"},
    PartitionRule{"us-iso-", {"aws-iso", "c2s.ic.gov"}, "api.aws.ic.gov"},
    PartitionRule{"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}, "api.cloud-aws.adc-e.uk"},
    PartitionRule{"eusc-", {"aws-eusc", "amazonaws.eu"}, "api.amazonwebservices.eu"},
    PartitionRule{"", {"aws", "amazonaws.com"}, "api.aws"},
};

const PartitionRule& rule_of(const std::string& region) {
  return *std::find_if(partitions.begin(), partitions.end(), [&](const PartitionRule& rule) {
    return region.starts_with(rule.region_prefix);
  });
}

/// A region goes into a host name, so it may be nothing but one label of it.
void check_region(const std::string& region) {
  const bool label = !region.empty() && region.size() <= 63 && region.front() != '-' &&
                     std::all_of(region.begin(), region.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                     });
  if (label) return;
  throw Error(Error::Kind::usage, "'" + region + "' is no AWS region",
              "write one such as eu-central-1");
}

Endpoint configured_endpoint(const std::string& url, const Service& service) {
  Endpoint endpoint;
  endpoint.is_configured = true;
  const std::size_t mark = url.find("://");
  endpoint.scheme = mark == std::string::npos ? "" : lower(url.substr(0, mark));
  std::string rest = mark == std::string::npos ? url : url.substr(mark + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  endpoint.host = lower(rest.substr(0, slash));
  endpoint.base_path = rest.substr(slash);
  while (endpoint.base_path.ends_with('/')) endpoint.base_path.pop_back();
  const bool known = endpoint.scheme == "http" || endpoint.scheme == "https";
  if (!known || endpoint.host.empty() || url.find_first_of("?#@ ") != std::string::npos) {
    throw Error(Error::Kind::usage,
                "the endpoint configured for " + std::string(service.name) +
                    " is no http or https URL: " + url,
                "set AWS_ENDPOINT_URL, or endpoint_url of the profile, to https://HOST");
  }
  const std::string own_port = endpoint.scheme == "https" ? ":443" : ":80";
  if (endpoint.host.ends_with(own_port)) {
    endpoint.host.resize(endpoint.host.size() - own_port.size());
  }
  return endpoint;
}

/// A bucket's name can be a part of the host only if it is one label: TLS certificates cover no
/// more.
bool fits_host(const std::string& bucket) {
  return bucket.size() >= 3 && bucket.size() <= 63 && bucket.front() != '-' &&
         std::all_of(bucket.begin(), bucket.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

/// "fips-us-east-1" and "us-east-1-fips" were regions before FIPS became a setting.
std::string without_fips(const std::string& region, bool& fips) {
  if (region.starts_with("fips-")) {
    fips = true;
    return region.substr(5);
  }
  if (region.ends_with("-fips")) {
    fips = true;
    return region.substr(0, region.size() - 5);
  }
  return region;
}

}  // namespace

const Partition& partition_of(const std::string& region) {
  return rule_of(region).partition;
}

Endpoint endpoint_of(const Service& service, const std::string& region, const Settings& settings) {
  bool fips = settings.use_fips;
  std::string place = without_fips(region, fips);
  check_region(place);
  const std::string prefix = service.endpoint_prefix;
  // S3 knows this pseudo-region for us-east-1's old global name.
  if (place == "aws-global" || place == "s3-external-1") place = "us-east-1";
  if (const auto url = settings.endpoint(service.id)) {
    Endpoint endpoint = configured_endpoint(*url, service);
    endpoint.signing_region = place;
    return endpoint;
  }
  Endpoint endpoint;
  endpoint.signing_region = place;
  const PartitionRule& rule = rule_of(place);
  if (prefix == "s3") {
    if (fips && std::string_view(rule.partition.name) == "aws-cn") {
      throw Error(Error::Kind::usage, "S3 has no FIPS endpoint in " + place,
                  "unset AWS_USE_FIPS_ENDPOINT, and use_fips_endpoint of the profile");
    }
    // S3's dual stack stays below the plain suffix: s3.dualstack.REGION.amazonaws.com.
    endpoint.host = std::string("s3") + (fips ? "-fips" : "") +
                    (settings.use_dualstack ? ".dualstack" : "") + "." + place + "." +
                    rule.partition.dns_suffix;
    return endpoint;
  }
  const char* suffix = settings.use_dualstack ? rule.dual_stack_suffix : rule.partition.dns_suffix;
  // GovCloud's plain endpoints are the validated ones, but for those of dual stack.
  const bool plain_is_fips = place.starts_with("us-gov-") && !settings.use_dualstack;
  endpoint.host = prefix + (fips && !plain_is_fips ? "-fips" : "") + "." + place + "." + suffix;
  return endpoint;
}

Endpoint bucket_endpoint(const std::string& bucket, const std::string& region,
                         const Settings& settings) {
  Endpoint endpoint = endpoint_of(services::s3, region, settings);
  if (fits_host(bucket) && !settings.path_style && !endpoint.is_configured) {
    endpoint.host = bucket + "." + endpoint.host;
  } else {
    endpoint.base_path += "/" + uri_escape(bucket);
  }
  return endpoint;
}

}  // namespace toehold::aws
