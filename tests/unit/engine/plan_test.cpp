#include "runner/engine/plan.hpp"

#include <filesystem>

#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("a document from elsewhere is the same wherever it is asked for from") {
  const std::string here = std::filesystem::current_path().string();
  CHECK(document_identity("././") == document_identity(here));
  for (const char* name : {"s3://bucket/a/../b.yml", "https://h/b.yml#sha256=0",
                           "arn:aws:imagebuilder:r:a:component/n/1.0.0"}) {
    CHECK(is_remote_document(name));
    CHECK(document_identity(name) == name);
  }
  CHECK_FALSE(is_remote_document("s3/b.yml"));
  CHECK_FALSE(is_remote_document("-"));
}
