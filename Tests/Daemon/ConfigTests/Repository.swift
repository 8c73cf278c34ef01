import Document
import Isolations
import Linux
import Model
import TestKit
import Testing

@testable import Config

extension Repository {
  /// The first code block in `language` of a page.
  static func example(_ language: String, in page: String) throws -> [UInt8] {
    let text = String(decoding: try read(page), as: UTF8.self)
    let start = try #require(text.range(of: "```\(language)\n"), "no \(language) example in \(page)")
    let end = try #require(text[start.upperBound...].range(of: "\n```"))
    return Array(text[start.upperBound..<end.lowerBound].utf8) + [UInt8(ascii: "\n")]
  }
}

extension StringProtocol {
  /// The first place of `needle`.
  func range(of needle: String) -> Range<Index>? { firstRange(of: needle) }
}

/// The messages about a file of `kind`, one per line, warnings included.
func complaints(_ kind: ConfigKind, _ text: String, known: KnownNames = KnownNames(), board: Board? = nil) -> String {
  let bytes = Array(text.utf8)
  do throws(Diagnostics) {
    let found: [Diagnostic]
    switch kind {
    case .board: found = try ConfigText.board(bytes, file: "f").warnings
    case .agent:
      found = try ConfigText.manifest(
        bytes, file: "f", environment: environment, isolations: Isolations.known, board: board
      ).warnings
    case .orchestration: found = try ConfigText.rules(bytes, file: "f", known: known).warnings
    case .settings: found = try ConfigText.settings(bytes, file: "f", environment: environment).warnings
    }
    return found.map(\.description).joined(separator: "\n")
  } catch {
    return error.description
  }
}

/// The environment in tests.
let environment = ["HOME": "/home/ada", "DATA": "/srv/data", "TOKEN": "s3cret"]
