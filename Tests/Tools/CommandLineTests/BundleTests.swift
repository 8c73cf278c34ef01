import Doctor
import Glibc
import Linux
import Model
import TestKit
import Testing

@testable import CommandLine

/// The support archive.
@Suite struct BundleTests {
  @Test(arguments: [
    ("token: abc123", "token: <removed>"), ("  api_key = \"s3cret\" # old", "  api_key = <removed>"),
    (#"{"name": "x", "password": "pw", "more": 1}"#, #"{"name": "x", "password": <removed>"#),
    ("GET / Authorization: Bearer abc.def", "GET / Authorization: <removed>"),
    ("sent Bearer abc.def to it", "sent Bearer <removed> to it"),
    ("see https://ada:pw@example.org/x", "see https://<removed>@example.org/x"),
    ("mail ada@example.org", "mail ada@example.org"), ("tokens: 10k/h", "tokens: 10k/h"),
    ("time: 14:03:21", "time: 14:03:21"), ("board: board.yaml", "board: board.yaml"), ("", ""),
  ]) func secretsAreRemovedFromLines(text: String, expected: String) {
    #expect(Redaction.text(text) == expected)
  }

  @Test func secretsOfSeveralLinesAreRemoved() {
    #expect(
      Redaction.text("a:\n  secret: |\n    one\n\n    two\n  next: 1") == "a:\n  secret: <removed>\n  next: 1")
    #expect(
      Redaction.text("x\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\ny") == "x\n<removed>\ny")
  }

  @Test func secretsAreRemovedFromValues() {
    #expect(
      Redaction.value(["a": [["api_key": "x", "tokens": 5]], "b": "password=x"])
        == ["a": [["api_key": "<removed>", "tokens": 5]], "b": "password= <removed>"])
  }

  @Test func tarReadsTheArchive() throws {
    let folder = try TemporaryFolder()
    try folder.write("board.yaml", "name: quiet\nbackend: simulated\ndevices: {}\n")
    try folder.write("openstarry.yaml", "board: board.yaml\n# token: abc123\n")
    let facts = Facts(
      version: "1.0.0",
      daemon: .success(DaemonAnswers(status: ["board": "quiet", "api_key": "abc123"], probes: .failure(.init("no")))))
    let findings = [Finding(.storage, .problem, "full", remedy: "make room")]
    let bundle = SupportBundle(findings, facts, settings: "\(folder.path)/openstarry.yaml")
    let path = "\(folder.path)/bundle.tar"
    try bundle.write(path)
    #expect(try FileStatus(path).mode & 0o777 == 0o600)
    // Never over a file that is there.
    #expect(throws: Failure.self) { try bundle.write(path) }
    let listed = try #require(ProgramOutput.of("/bin/tar", ["-tf", path], most: 65_536))
    for name in ["doctor.txt", "doctor.json", "status.json", "board.yaml", "openstarry.yaml"] {
      #expect(listed.contains("/\(name)\n"), "\(listed)")
    }
    let text = try #require(ProgramOutput.of("/bin/tar", ["-xOf", path], most: 1 << 20))
    #expect(text.contains("make room") && text.contains("backend: simulated"))
    #expect(!text.contains("abc123"))
  }
}
