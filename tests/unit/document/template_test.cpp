#include "runner/document/template.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;
using Kind = Reference::Kind;

namespace {

Reference only(const std::string& text) {
  const Template parsed = parse_template(text);
  REQUIRE(parsed.parts.size() == 1);
  REQUIRE(std::holds_alternative<Reference>(parsed.parts[0]));
  return std::get<Reference>(parsed.parts[0]);
}

/// Literals as they are, references as <inner>.
std::string taken_apart(std::string_view text) {
  std::string result;
  for (const auto& part : parse_template(text).parts) {
    if (const auto* reference = std::get_if<Reference>(&part)) {
      result += "<" + reference->inner + ">";
    } else {
      result += std::get<std::string>(part);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("a template is taken apart in one pass") {
  CHECK(taken_apart("").empty());
  CHECK(taken_apart("plain") == "plain");
  CHECK(taken_apart("a{{X1y}}b{{ Y-2 }}") == "a<X1y>b<Y-2>");
  CHECK(taken_apart("{{\tTab\t}}") == "<Tab>");
  CHECK(taken_apart("line {{ One }}\nline {{ Two }}") == "line <One>\nline <Two>");
}

TEST_CASE("braces that are no reference stay text") {
  for (const char* text : {"{{", "}}", "${HOME}", "{{ open", "close }}", "{ { a } }",
                           "{{ spans\nlines }}", "f() { x; }; {{"}) {
    INFO(text);
    CHECK(taken_apart(text) == text);
    CHECK_FALSE(has_reference(text));
  }
}

TEST_CASE("the innermost braces are the reference") {
  CHECK(taken_apart("{{{ Name }}}") == "{<Name>}");
  CHECK(taken_apart("{{ lost {{ Name }} }}") == "{{ lost <Name> }}");
  CHECK(taken_apart("{{ lost\n{{ Name }}") == "{{ lost\n<Name>");
  CHECK(taken_apart("{{ lost\n}} {{ Name }}") == "{{ lost\n}} <Name>");
}

TEST_CASE("a name may be any word, those of other forms too") {
  for (const char* name : {"loop", "env", "context", "aws", "inputs", "3rd", "-", "a_b-c"}) {
    const Reference reference = only("{{ " + std::string(name) + " }}");
    CHECK(reference.kind == Kind::name);
    CHECK(reference.name == name);
  }
}

TEST_CASE("step references") {
  Reference reference = only("{{ build.Fetch_2.inputs[12].destination }}");
  CHECK(reference.kind == Kind::step_input);
  CHECK(reference.phase == "build");
  CHECK(reference.step == "Fetch_2");
  CHECK(reference.index == 12);
  CHECK(reference.name == "destination");

  reference = only("{{container-host-test.My Step.outputs.stdout}}");
  CHECK(reference.kind == Kind::step_output);
  CHECK(reference.phase == "container-host-test");
  CHECK(reference.step == "My Step");
  CHECK_FALSE(reference.index);
  CHECK(only("{{ build.Doc.inputs.document-s3-bucket-owner }}").name == "document-s3-bucket-owner");
}

TEST_CASE("loop references") {
  CHECK(only("{{ loop.index }}").kind == Kind::loop_index);
  CHECK(only("{{ loop.value }}").kind == Kind::loop_value);
  const Reference reference = only("{{ Each-Port.value }}");
  CHECK(reference.kind == Kind::loop_value);
  CHECK(reference.name == "Each-Port");
}

TEST_CASE("references to the world outside") {
  const auto check = [](const char* text, Kind kind, const char* name) {
    INFO(text);
    const Reference reference = only(text);
    CHECK(reference.kind == kind);
    CHECK(reference.name == name);
  };
  check("{{ aws:ssm:/acme/db }}", Kind::ssm, "/acme/db");
  check("{{ aws:ssm:resolve( NameOf ) }}", Kind::ssm_resolve, "NameOf");
  check("{{ aws:ssm:resolve(aws:ssm:/p) }}", Kind::ssm_resolve, "aws:ssm:/p");
  check("{{ env:ProgramFiles(x86) }}", Kind::env, "ProgramFiles(x86)");
  check("{{ env:A B.C }}", Kind::env, "A B.C");
  check("{{ aws:imds:placement/region }}", Kind::imds, "placement/region");
  check("{{ context:osName }}", Kind::context, "osName");
}

TEST_CASE("everything else is foreign") {
  for (const char* inner : {"",
                            ".ID",
                            "item | upper",
                            "a.b",
                            "a.b.c",
                            "a.b.inputs",
                            "a.b.inputs.c.d",
                            "a..inputs.c",
                            "a.b.inputs[].c",
                            "a.b.inputs[x].c",
                            "a.b.inputs[-1].c",
                            "a.b.inputs[0.c",
                            "a.b.inputs[99999999999999999999999].c",
                            "a.b.output.c",
                            "loop.values",
                            "aws:ssm:",
                            "aws:ssm:resolve()",
                            "env:",
                            "context:",
                            "context:a b",
                            "aws:ec2:x",
                            "json .State",
                            "\"x\".y.inputs.z"}) {
    INFO(inner);
    CHECK(only("{{ " + std::string(inner) + " }}").kind == Kind::foreign);
  }
}

TEST_CASE("raw text and offset point into the scalar") {
  const std::string text = "x {{A_b}} {{  loop.index }}";
  const Template parsed = parse_template(text);
  REQUIRE(parsed.parts.size() == 4);
  const auto& last = std::get<Reference>(parsed.parts[3]);
  CHECK(last.raw == "{{  loop.index }}");
  CHECK(text.substr(last.offset, last.raw.size()) == last.raw);
}

TEST_CASE("deferred are texts with a reference only") {
  CHECK(is_deferred(Value("a {{ B }}")));
  CHECK_FALSE(is_deferred(Value("a")));
  CHECK_FALSE(is_deferred(Value(3)));
  CHECK_FALSE(is_deferred(Value(Value::List{Value("{{ B }}")})));
}

TEST_CASE("a reference is found where it stands") {
  const SourceText source("doc.yaml",
                          "text: |\n"
                          "  first {{ Name }}\n"
                          "  second {{ Name }} {{ Other }}\n");
  Value scalar("first {{ Name }}\nsecond {{ Name }} {{ Other }}\n");
  scalar.where = {1, 7};
  const Template parsed = parse_template(scalar.text());
  std::vector<SourceLocation> places;
  for (const auto& part : parsed.parts) {
    if (const auto* reference = std::get_if<Reference>(&part)) {
      places.push_back(locate(*reference, scalar, source));
    }
  }
  CHECK(places == std::vector<SourceLocation>{{2, 9}, {3, 10}, {3, 21}});
}

TEST_CASE("a reference with another spelling in the source is placed at its scalar") {
  const SourceText source("doc.yaml", "a: \"{{ \\x4eame }}\"\nb: '{{ Name }}'\n" +
                                          std::string(1000, '#') + "\nc: {{ Name }}\n");
  Value scalar("{{ Name }}");
  scalar.where = {3, 1};
  const Template parsed = parse_template(scalar.text());
  CHECK(locate(std::get<Reference>(parsed.parts[0]), scalar, source) == SourceLocation{3, 1});
}

TEST_CASE("long texts full of braces take linear time") {
  std::string opens, closed;
  for (int i = 0; i < 200'000; ++i) {
    opens += "{{ ";
    closed += "{{\n}}";
  }
  CHECK(parse_template(opens).parts.size() == 1);
  CHECK(parse_template(closed).parts.size() == 1);
}
