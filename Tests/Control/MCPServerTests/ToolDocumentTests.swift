import Linux
import Model
import TestKit
import Testing

@testable import MCPServer

/// Checks that the table of tools in `docs/mcp.md` is that of the code.
@Suite struct ToolDocumentTests {
  private static let (begin, end) = ("Tests -->\n", "\n<!-- end of tools -->")

  private var table: String {
    Tool.all.map { tool in
      let effect =
        switch tool.effect {
        case .none: "reads"
        case .command: "commands"
        case .release: "makes safe"
        case .event: "publishes"
        }
      let arguments = tool.arguments.map { "`\($0.name)`" }.joined(separator: ", ")
      return "| `\(tool.name)` | \(arguments) | \(effect) | \(tool.about) |"
    }.reduce("\n| tool | arguments | | what models are told |\n|---|---|---|---|") { "\($0)\n\($1)" } + "\n"
  }

  @Test func theTableIsThatOfTheCode() throws {
    let text = String(decoding: try Repository.read("docs/mcp.md"), as: UTF8.self)
    let from = try #require(text.firstRange(of: Self.begin)).upperBound
    let to = try #require(text.firstRange(of: Self.end)).lowerBound
    if Environment.current()["OPENSTARRY_WRITE_DOCS"] == "1" {
      return try Files.replace(
        Repository.path("docs/mcp.md"), with: Array((text[..<from] + table + text[to...]).utf8), mode: 0o644)
    }
    #expect(text[from..<to] == table, "OPENSTARRY_WRITE_DOCS=1 .ci/test ToolDocumentTests writes it")
  }
}
