// A region of EC2 over a scripted network, and what it was asked as a map. Included by the tests of
// the calls of EC2 and STS; opens no connection.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "runner/aws/ec2.hpp"
#include "tests/support/aws_client.hpp"

namespace toehold::test {

struct Ec2Harness : ClientHarness {
  aws::ec2::Region region{client, ""};

  /// The answer to `operation` with this content.
  void answer(const std::string& operation, const std::string& content) {
    http.add(200, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" + operation +
                      "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                      "<requestId>59dbff89</requestId>" +
                      content + "</" + operation + "Response>");
  }
  void done(const std::string& operation) { answer(operation, "<return>true</return>"); }
  void fail(const std::string& code, const std::string& message = "no", long status = 400) {
    http.add(status, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>" +
                         code + "</Code><Message>" + message +
                         "</Message></Error></Errors><RequestID>R1</RequestID></Response>");
  }

  /// The parameters of a request but Version, one a line, sorted: "InstanceId.1=i-1\n".
  std::string form(std::size_t number) const {
    const std::string& body = http.requests().at(number).body;
    std::map<std::string, std::string> fields;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = std::min(body.find('&', at), body.size());
      const std::string pair = body.substr(at, end - at);
      fields[plain(pair.substr(0, pair.find('=')))] = plain(pair.substr(pair.find('=') + 1));
      at = end + 1;
    }
    fields.erase("Version");
    std::string lines;
    for (const auto& [name, value] : fields) lines += name + "=" + value + "\n";
    return lines;
  }

 private:
  static std::string plain(const std::string& escaped) {
    std::string text;
    for (std::size_t at = 0; at < escaped.size(); ++at) {
      if (escaped[at] == '%') {
        text += static_cast<char>(std::stoi(escaped.substr(at + 1, 2), nullptr, 16));
        at += 2;
      } else {
        text += escaped[at];
      }
    }
    return text;
  }
};

}  // namespace toehold::test
