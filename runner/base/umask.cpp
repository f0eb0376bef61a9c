#include "runner/base/umask.hpp"

#include <sys/stat.h>

namespace toehold {

namespace {
unsigned remembered = 022;
}

void remember_caller_umask() {
  remembered = ::umask(0);
  ::umask(remembered);
}

unsigned caller_umask() {
  return remembered;
}

}  // namespace toehold
