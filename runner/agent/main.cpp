// toehold-agent: the program on the instance.
#include "runner/agent/commands.hpp"
#include "runner/agent/program.hpp"

int main(int argc, char** argv) {
  return toehold::run_program({"toehold-agent", false}, argc, argv, toehold::add_remote_commands);
}
