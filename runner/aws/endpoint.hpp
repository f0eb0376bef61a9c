// Where a service is, by region: partitions (aws, China, GovCloud ...), FIPS, dual stack, and what
// the settings put in its place. Called by Client and S3; knows no credentials.
// Source: the endpoint rules and partitions of the service models.
#pragma once

#include <string>

#include "runner/aws/settings.hpp"

namespace toehold::aws {

/// A service as endpoints, signatures and variables name it.
struct Service {
  const char* name;             // "logs": for messages
  const char* endpoint_prefix;  // "logs"
  const char* signing_name;     // "logs"
  const char* id;               // "cloudwatch_logs", as in AWS_ENDPOINT_URL_CLOUDWATCH_LOGS
  const char* iam_prefix;       // "logs", as in logs:PutLogEvents
};
namespace services {
inline constexpr Service s3{"S3", "s3", "s3", "s3", "s3"};
inline constexpr Service ssm{"Systems Manager", "ssm", "ssm", "ssm", "ssm"};
inline constexpr Service sts{"STS", "sts", "sts", "sts", "sts"};
inline constexpr Service logs{"CloudWatch Logs", "logs", "logs", "cloudwatch_logs", "logs"};
inline constexpr Service image_builder{"Image Builder", "imagebuilder", "imagebuilder",
                                       "imagebuilder", "imagebuilder"};
inline constexpr Service kms{"KMS", "kms", "kms", "kms", "kms"};
inline constexpr Service ec2{"EC2", "ec2", "ec2", "ec2", "ec2"};
}  // namespace services

struct Partition {
  const char* name;        // "aws", "aws-cn": as in ARNs
  const char* dns_suffix;  // "amazonaws.com"
};
/// Of a region, known or not: by its prefix ("cn-", "us-gov-", "us-iso-" ...), else "aws".
const Partition& partition_of(const std::string& region);

struct Endpoint {
  std::string scheme = "https";
  std::string host;       // with a port that is not the scheme's own
  std::string base_path;  // "/prefix", without a slash at its end; escaped
  std::string signing_region;
  bool is_configured = false;  // by a setting, not by the region
  std::string url() const { return scheme + "://" + host + base_path; }
};
/// `region` is checked to be one DNS label. Throws Error(usage) for one that is not, for a
/// configured endpoint that is no http or https URL, and where there is no FIPS endpoint.
Endpoint endpoint_of(const Service& service, const std::string& region, const Settings& settings);
/// Of S3 for the objects of one bucket, which is in the host or, where it does not fit there or the
/// endpoint is configured, in the path.
Endpoint bucket_endpoint(const std::string& bucket, const std::string& region,
                         const Settings& settings);

}  // namespace toehold::aws
