import Linux
import TestKit
import Testing

/// The edges of the protocol: each file has messages of a client (`> …`) and after each what the server sends (`< …`).
@Suite struct EdgeTests {
  @Test(arguments: ["handshake", "envelope", "mixed"]) func golden(name: String) throws {
    let path = "Tests/Control/MCPEdges/\(name).txt"
    let text = String(decoding: try Repository.read(path), as: UTF8.self)
    let bench = Bench()
    bench.board.answers["hal.read"] = .success(
      .init(result: ["device": "temperature", "value": 21, "quality": "good"]))
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.hasPrefix("< ") {
      lines.append(String(line))
      if line.hasPrefix("> ") { lines += bench.take(String(line.dropFirst(2))).map { "< \($0)" } }
    }
    let found = lines.joined(separator: "\n")
    if Environment.current()["OPENSTARRY_WRITE_DOCS"] == "1" {
      try Files.replace(Repository.path(path), with: Array(found.utf8), mode: 0o644)
      return
    }
    for (new, old) in zip(found.split(separator: "\n"), text.split(separator: "\n")) { #expect(new == old) }
    #expect(found == text, "OPENSTARRY_WRITE_DOCS=1 .ci/test EdgeTests writes \(path)")
  }
}
