import AgentWASM
import CommandLine
import Glibc

// Before parsing: `agent run` starts this program again to compile a module, and `mcp` begins it again as a server.
if let code = ModuleCompiler.runIfAsked(Swift.CommandLine.arguments) { exit(code) }
if let code = MCPProgram.runIfAsked(Swift.CommandLine.arguments) { exit(code) }
exit(OpenStarry.run(Array(Swift.CommandLine.arguments.dropFirst())).rawValue)
