import Testing

@testable import CommandLine

/// What `openstarry mcp` hands to the server that it becomes.
@Suite struct MCPProgramTests {
  @Test func boundsArriveAsTheyWere() {
    let program = MCPProgram(socket: "/run/s", isNamed: true, role: "view", devices: ["fan", "temp*"], rate: 5)
    #expect(MCPProgram(program.arguments) == program)
    let other = MCPProgram(socket: "s", isNamed: false, role: "operate", devices: ["*"], rate: 100)
    #expect(MCPProgram(other.arguments) == other)
  }

  @Test func otherCommandLinesAreOthers() {
    #expect(MCPProgram(["mcp"]) == nil && MCPProgram([]) == nil)
    // Without a device it would be one that knows of none.
    #expect(MCPProgram(["--mcp-server", "/run/s", "named", "view", "5"]) == nil)
    #expect(MCPProgram.runIfAsked(["openstarry", "mcp", "--role", "view"]) == nil)
  }
}
