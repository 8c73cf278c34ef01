import Document
import Linux
import Model
import RPC
import TestKit
import Testing

@testable import Control

/// Checks that `docs/control.md` and the code agree, in both directions.
@Suite struct DocumentTests {
  private static let text: String = {
    guard let bytes = try? Repository.read("docs/control.md") else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }()

  /// The section of the document for a method.
  private func section(_ method: RPC.Method<Call>) -> String {
    var text = "`\(method.name)`\n\nRole: \(method.role.name). \(method.summary)\n"
    if !method.parameters.isEmpty {
      text += "\n| parameter | type | default | meaning |\n|---|---|---|---|\n"
    }
    for parameter in method.parameters {
      let defaultText =
        parameter.isRequired
        ? "required"
        : parameter.defaultValue.map { value in "`\(value.string ?? JSON.text(value))`" } ?? "none"
      let aliases =
        parameter.aliases.isEmpty ? "" : ". Alias: " + parameter.aliases.map { "`\($0)`" }.joined(separator: ", ")
      text += "| `\(parameter.name)` | \(parameter.type) | \(defaultText) | \(parameter.meaning)\(aliases) |\n"
    }
    text += "\nResult: \(method.result).\n"
    if !method.errors.isEmpty {
      text += "Errors: \(method.errors.map { "\($0.rawValue)" }.joined(separator: ", ")).\n"
    }
    return text
  }

  @Test func everyMethodIsDocumentedAndEveryDocumentedMethodIsThere() throws {
    let part = try #require(Self.text.range(of: "\n## 6. Methods\n")).upperBound
    let sections = Self.text[part...].split(separator: "\n### ", omittingEmptySubsequences: false).dropFirst()
    let methods = ControlMethods.table.all
    if Environment.current()["OPENSTARRY_WRITE_DOCS"] == "1" {
      let written = methods.enumerated().map { "### 6.\($0 + 1) " + section($1) }.joined(separator: "\n")
      try Files.replace(
        Repository.path("docs/control.md"), with: Array((Self.text[..<part] + "\n" + written).utf8), mode: 0o644)
      return
    }
    #expect(sections.count == methods.count, "OPENSTARRY_WRITE_DOCS=1 .ci/test DocumentTests writes them")
    for (index, (method, text)) in zip(methods, sections).enumerated() {
      let expected = "6.\(index + 1) " + section(method)
      #expect(text.trimmed == expected.trimmed, "\(method.name)")
    }
  }

  @Test func aReceiptHasTheFieldsOfTheDocument() throws {
    let receipt = try Harness().connect().call("hal.control", ["device": "fan", "command": "on"]).get()
    let part = try #require(Self.text.range(of: "**Receipt**: ")).upperBound
    let shape = try #require(Self.text[part...].split(separator: "}").first)
    let names = shape.split(separator: "\"").enumerated().compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
    #expect(try #require(receipt.map).map(\.key) == names)
  }

  @Test func everyCodeIsDocumentedAndEveryDocumentedCodeIsThere() {
    var documented: [String] = []
    for line in Self.text.split(separator: "\n") where line.hasPrefix("| -32") {
      let cells = line.split(separator: "|").map { String($0).trimmed }
      documented.append("\(cells[0]) \(cells[1])")
    }
    #expect(documented.sorted() == RPCError.Code.allCases.map { "\($0.rawValue) `\($0)`" }.sorted())
  }

  @Test func everyMethodDescribesItself() throws {
    let client = try Harness().connect()
    let methods = try #require(try client.call("daemon.methods").get()["methods"]?.list)
    #expect(methods.count == ControlMethods.table.all.count)
    #expect(methods.allSatisfy { $0["summary"]?.string?.hasSuffix(".") == true })
    #expect(Set(methods.compactMap { $0["name"]?.string }).count == methods.count)
  }

  @Test func limitsAreThoseOfTheDocument() {
    let limits = Limits()
    for phrase in [
      "At most \(limits.connections) connections of clients with the roles `view` and `operate`, and apart from them "
        + "\(limits.connectionsOfAdmins) of\nadmins",
      "at most \(limits.connectionsOfUser) connections", "\(limits.reserve) connections beyond",
      "at most\n\(limits.reserveOfUser) of one user", "within \(limits.reserveTime.text.dropLast()) seconds",
      "last \(limits.descriptors) descriptors", "idle for \(limits.idleTime.seconds.text) seconds",
      "\(limits.requests) requests a second", "At most \(limits.subscriptions)\nsubscriptions",
      "at most \(limits.waiting >> 10) KiB of waiting", "within \(limits.lineTime.text.dropLast()) seconds",
    ] {
      #expect(Self.text.contains(phrase), "\(phrase)")
    }
  }
}

extension StringProtocol {
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  fileprivate func range(of part: String) -> Range<String.Index>? { String(self).firstRange(of: part) }
}
