#include "runner/aws/failure.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;

namespace {
Failure read(long status, const std::string& body, HttpHeaders headers = {}) {
  HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  return read_failure(response, body);
}
}  // namespace

TEST_CASE("failures are read in the forms of all services") {
  const Failure s3 = read(404,
                          "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>gone"
                          "</Message><RequestId>R</RequestId></Error>");
  CHECK(s3.status == 404);
  CHECK(s3.code == "NoSuchKey");
  CHECK(s3.message == "gone");
  CHECK(s3.request_id == "R");
  const Failure query =
      read(400, "<ErrorResponse><Error><Code>A</Code><Message>b</Message></Error></ErrorResponse>");
  CHECK(query.code == "A");
  const Failure ec2 = read(400,
                           "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code></Error>"
                           "</Errors><RequestID>R</RequestID></Response>");
  CHECK(ec2.code == "InvalidAMIID.NotFound");
  CHECK(ec2.request_id == "R");
  const Failure json = read(400, R"({"__type": "com.amazonaws.ssm#ParameterNotFound",
      "message": "none"})",
                            {{"x-amzn-requestid", "R"}});
  CHECK(json.code == "ParameterNotFound");
  CHECK(json.message == "none");
  CHECK(json.request_id == "R");
  const Failure rest =
      read(403, R"({"Message": "no"})", {{"x-amzn-errortype", "ForbiddenException:http://a.b/"}});
  CHECK(rest.code == "ForbiddenException");
  CHECK(rest.message == "no");
}

TEST_CASE("what is no failure of a service is told by its status") {
  CHECK(read(502, "<html><p>Bad Gateway</html>").code.empty());
  CHECK(read(502, "{\"cut").status == 502);
  CHECK(read(301, "", {{"x-amz-bucket-region", "us-west-2"}}).region == "us-west-2");
}

TEST_CASE("kinds of failures are those of the SDKs") {
  CHECK(is_throttling(read(503, "<Error><Code>SlowDown</Code></Error>")));
  CHECK(is_throttling(read(429, "")));
  CHECK(is_throttling(read(400, R"({"__type": "ThrottlingException"})")));
  CHECK_FALSE(is_throttling(read(503, "")));
  CHECK(is_transient(read(503, "")));
  CHECK(is_transient(read(400, "<Error><Code>RequestTimeout</Code></Error>")));
  CHECK_FALSE(is_transient(read(501, "")));
  CHECK_FALSE(is_transient(read(500,
                                "<Response><Errors><Error><Code>InsufficientInstanceCapacity</Code>"
                                "</Error></Errors></Response>")));
  CHECK(is_expired(read(400, "<Error><Code>ExpiredToken</Code></Error>")));
  CHECK(may_be_skew(read(403, "")));
  CHECK_FALSE(may_be_skew(read(403, "<Error><Code>AccessDenied</Code></Error>")));
  CHECK_FALSE(is_other_region(read(403, "", {{"x-amz-bucket-region", "us-west-2"}})));
}

TEST_CASE("dates of answers are read") {
  CHECK(http_date("Thu, 01 Jan 1970 00:01:00 GMT") == 60 * 1000);
  CHECK_FALSE(http_date("1970-01-01"));
  CHECK_FALSE(http_date(""));
}
