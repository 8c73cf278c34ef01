import Plugins
import Testing

@Suite struct VersionTests {
  @Test(arguments: ["1.2.3", "0.0.0", "1.2.3-beta.2", "1.0.0-x-y.7"])
  func versionsAreRead(_ text: String) { #expect(PluginVersion(text)?.description == text) }

  @Test(arguments: [
    "", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "v1.2.3", "1.2.3-", "1.2.3-a..b", "1.2.3-01", "1.2.3+build", " 1.2.3",
    "1.2.-3",
    "4294967296.0.0", "1.2.3-ä",
  ])
  func otherTextsAreNot(_ text: String) { #expect(PluginVersion(text) == nil) }

  /// The order of Semantic Versioning 2.0.0, section 11.4.
  @Test func precedence() throws {
    let texts = [
      "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
      "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0",
    ]
    let versions = try texts.map { try #require(PluginVersion($0)) }
    for (left, first) in versions.enumerated() {
      for (right, second) in versions.enumerated() { #expect((first < second) == (left < right)) }
    }
  }

  /// The examples of npm's documentation of semver ranges.
  @Test(arguments: [
    ("*", ["0.0.1", "9.9.9"], ["1.0.0-beta"]),
    ("1", ["1.0.0", "1.9.9"], ["0.9.9", "2.0.0", "2.0.0-beta", "1.0.0-beta"]),
    ("1.2", ["1.2.0", "1.2.9"], ["1.3.0", "1.1.9", "1.3.0-beta"]),
    ("1.2.3", ["1.2.3"], ["1.2.4", "1.2.2", "1.2.3-beta"]),
    ("1.2.3-beta", ["1.2.3-beta"], ["1.2.3", "1.2.3-alpha"]),
    ("^1.2.3", ["1.2.3", "1.9.0"], ["2.0.0", "1.2.2", "2.0.0-alpha"]),
    ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "1.0.0"]),
    ("^0.0.3", ["0.0.3"], ["0.0.4"]),
    ("^1.2.3-beta.2", ["1.2.3-beta.2", "1.2.3", "1.3.0"], ["1.2.3-beta.1", "1.2.4-beta.2"]),
    ("^0", ["0.0.1", "0.9.0"], ["1.0.0"]),
    ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
    ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
    ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
    (">=1.2.0", ["1.2.0", "7.0.0"], ["1.1.9"]),
  ])
  func ranges(_ text: String, _ within: [String], _ outside: [String]) throws {
    let range = try #require(VersionRange(text))
    #expect(range.description == text)
    for version in within { #expect(try range.contains(#require(PluginVersion(version))), "\(version)") }
    for version in outside { #expect(try !range.contains(#require(PluginVersion(version))), "\(version)") }
  }

  @Test(arguments: ["", "^", "x", "1.x", "<2", "1.2.3.4", "latest", "1 || 2", ">= 1"])
  func otherRangesAreRefused(_ text: String) { #expect(VersionRange(text) == nil) }

  @Test(arguments: [
    ("tables", "tables", "*"), ("tables@1", "tables", "1"), ("@x/tables@^1.2", "@x/tables", "^1.2"),
    ("@x/y", "@x/y", "*"),
  ])
  func references(_ text: String, _ name: String, _ range: String) throws {
    let reference = try #require(PluginReference(text))
    #expect(reference.name == name && reference.range.description == range)
  }

  @Test(arguments: ["", "@", "@x", "@x/", "a/b", "../a", "@../a", ".hidden", "a@", "a@1@2", "@x/y/z", "a b", "a@../1"])
  func otherReferencesAreRefused(_ text: String) { #expect(PluginReference(text) == nil) }
}
