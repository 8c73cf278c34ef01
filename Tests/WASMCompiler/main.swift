import AgentWASM
import Glibc

// The host program of the tests: it only compiles.
exit(ModuleCompiler.runIfAsked(CommandLine.arguments) ?? 64)
