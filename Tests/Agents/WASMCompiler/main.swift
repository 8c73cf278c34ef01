import AgentWASM
import Glibc

// The host program of the tests: it compiles, or repeats.
exit(
  ModuleCompiler.runIfAsked(CommandLine.arguments)
    ?? (CommandLine.arguments.count == 5 && CommandLine.arguments[1] == "repeat"
      ? Repetition.run(CommandLine.arguments[2], CommandLine.arguments[3], CommandLine.arguments[4]) : 64))
