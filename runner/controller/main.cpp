// toehold: the program that people type.
#include "runner/agent/program.hpp"
#include "runner/controller/commands.hpp"

int main(int argc, char** argv) {
  return toehold::run_program({"toehold", true}, argc, argv, toehold::add_controller_commands);
}
