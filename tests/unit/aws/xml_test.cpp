#include "runner/aws/xml.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;

namespace {
std::string refusal(const std::string& text) {
  try {
    parse_xml(text);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::aws);
    return error.what();
  }
}
}  // namespace

TEST_CASE("a listing is read as maps, lists and text") {
  const Value root = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!-- of S3 -->\n"
      "<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>\n"
      "  <Name>bucket</Name><Prefix/><Marker></Marker>\n"
      "  <Contents a=\"x>y\"><Key>one</Key><Size>1</Size></Contents>\n"
      "  <Contents><Key>two &amp; &lt;&gt;&quot;&apos; &#x20ac;&#233;&#13;</Key></Contents>\n"
      "</ListBucketResult >\n");
  const Value* list = root.find("ListBucketResult");
  REQUIRE(list);
  CHECK(text_at(root, {"ListBucketResult", "Name"}) == "bucket");
  CHECK(list->find("Prefix")->text().empty());
  CHECK(list->find("Marker")->text().empty());
  CHECK(text_at(root, {"ListBucketResult", "Nothing", "Name"}).empty());
  const auto contents = children(*list, "Contents");
  REQUIRE(contents.size() == 2);
  CHECK(text_at(contents[0], {"Size"}) == "1");
  CHECK(text_at(contents[1], {"Key"}) == "two & <>\"' \xE2\x82\xAC\xC3\xA9\r");
  CHECK(children(*list, "Name").size() == 1);
  CHECK(children(*list, "CommonPrefixes").empty());
}

TEST_CASE("text of a leaf is kept as it is") {
  CHECK(parse_xml("<a> b </a>").find("a")->text() == " b ");
  CHECK(parse_xml("<a>x<!-- y -->z<![CDATA[<&>]]></a>").find("a")->text() == "xz<&>");
  CHECK(parse_xml("<a>1\r\n2\r3</a>").find("a")->text() == "1\n2\n3");
  CHECK(parse_xml("<n:a xmlns:n='u'><n:b>c</n:b></n:a>").find("a")->find("b")->text() == "c");
}

TEST_CASE("an answer that is cut is told with its call") {
  CHECK(parse_xml_answer("<a>b</a>", "S3 GetThing").find("a") != nullptr);
  CHECK_THROWS_WITH(parse_xml_answer("<a>b", "S3 GetThing"),
                    StartsWith("S3 GetThing: the answer is not well-formed XML at byte"));
}

TEST_CASE("what is not well-formed is refused") {
  CHECK_THAT(refusal(""), ContainsSubstring("an element was expected"));
  CHECK_THAT(refusal("Bad Gateway"), ContainsSubstring("at byte 0"));
  CHECK_THAT(refusal("<a>"), ContainsSubstring("<a> has no end"));
  CHECK_THAT(refusal("<a><b></a>"), ContainsSubstring("<b> was to end here"));
  CHECK_THAT(refusal("<a/><b/>"), ContainsSubstring("text after the end"));
  CHECK_THAT(refusal("<a b></a>"), ContainsSubstring("no value"));
  CHECK_THAT(refusal("<a b=c></a>"), ContainsSubstring("no quotes"));
  CHECK_THAT(refusal("<a>&bomb;</a>"), ContainsSubstring("'bomb' is not known"));
  CHECK_THAT(refusal("<a>&#0;</a>"), ContainsSubstring("no character"));
  CHECK_THAT(refusal("<a>&#xD800;</a>"), ContainsSubstring("no character"));
  CHECK_THAT(refusal("<a>&#99999999999;</a>"), ContainsSubstring("no character"));
  CHECK_THAT(refusal("<a>&amp</a>"), ContainsSubstring("no end"));
  CHECK_THAT(refusal("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
             ContainsSubstring("no document type"));
}

TEST_CASE("depth and names are limited") {
  std::string deep, ends;
  for (int i = 0; i < 65; ++i) {
    deep += "<a>";
    ends = "</a>" + ends;
  }
  CHECK_THAT(refusal(deep + ends), ContainsSubstring("64 elements deep"));
  CHECK(refusal(deep.substr(3) + ends.substr(4)).empty());
  std::string many = "<a>";
  for (int i = 0; i < 257; ++i) many += "<b" + std::to_string(i) + "/>";
  CHECK_THAT(refusal(many + "</a>"), ContainsSubstring("too many kinds"));
}
