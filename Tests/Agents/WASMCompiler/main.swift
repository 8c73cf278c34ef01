import AgentWASM
import Glibc

// A helper program of the tests: compiles modules, or runs `Repetition`.
exit(
  ModuleCompiler.runIfAsked(CommandLine.arguments)
    ?? (CommandLine.arguments.count == 5 && CommandLine.arguments[1] == "repeat"
      ? Repetition.run(CommandLine.arguments[2], CommandLine.arguments[3], CommandLine.arguments[4]) : 64))
