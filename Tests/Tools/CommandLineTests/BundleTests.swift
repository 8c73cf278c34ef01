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
    ("https://ada:p@w@example.org/x", "https://<removed>@example.org/x"),
    ("url=(https://a:b@x),https://c:d@y", "url=(https://<removed>@x),https://<removed>@y"),
    (#"at "https://ada:pw@example.org","#, #"at "https://<removed>@example.org","#),
    ("https://a:p,w)'@x/y", "https://<removed>@x/y"), ("proxy:http://u:p@h:1", "proxy:http://<removed>@h:1"),
    ("https://x/?next=https://a:b@y#z", "https://x/?next=https://<removed>@y#z"),
    ("https://example.org/@ada a:// ://@", "https://example.org/@ada a:// ://<removed>@"),
    ("run --token abc -v", "run --token <removed> -v"), ("run -api-key  abc\tx", "run -api-key  <removed>\tx"),
    ("run --password --token abc", "run --password --token <removed>"), ("run --token", "run --token"),
    ("run --key=abc x", "run --key= <removed>"), ("run --max-tokens 5", "run --max-tokens 5"),
    (#""args": ["--token", "a b", "-v"]"#, #""args": ["--token", <removed>, "-v"]"#),
    ("args: [--token, abc]", "args: [--token, <removed>"),
    (
      #""description": "see https://ada:pw@git.example.org/x with token=abc""#,
      #""description": "see https://<removed>@git.example.org/x with token= <removed>"#
    ),
    (#""args": ["--password","pw","--api-key=abc"]"#, #""args": ["--password",<removed>,"--api-key= <removed>"#),
    (#"{"args":["-v","--pwd","p\"w","-x"]}"#, #"{"args":["-v","--pwd",<removed>,"-x"]}"#),
    ("args='--password pw'", "args='--password <removed>"),
    (#"run: "x --token \"a b\" -v""#, #"run: "x --token <removed> -v""#),
    ("# --password pw --token=abc", "# --password <removed> --token= <removed>"),
    ("# Bearer abc token: def", "# Bearer <removed> token: <removed>"), ("Bearer token: abc", "Bearer <removed>"),
    ("url: https://ada:pw@host/x?access_token=abc", "url: https://<removed>@host/x?access_token= <removed>"),
    ("https://ada:pw.token:abc@host/", "https://<removed>"), ("db_pwd: abc", "db_pwd: <removed>"),
    ("pin: 17", "pin: 17"), ("keep - or --mode x", "keep - or --mode x"),
    ("access_tokens: abc", "access_tokens: <removed>"), ("max_tokens: 512", "max_tokens: 512"),
    ("- --token   # of the cloud\n- abc123", "- --token   # of the cloud\n- <removed>"),
    ("- --token\n\n# here\n- abc123", "- --token\n\n# here\n- <removed>"),
    ("mail ada@example.org", "mail ada@example.org"), ("tokens: 10k/h", "tokens: 10k/h"),
    ("time: 14:03:21", "time: 14:03:21"), ("board: board.yaml", "board: board.yaml"), ("", ""),
  ]) func secretsAreRemovedFromLines(text: String, expected: String) {
    #expect(Redaction.text(text) == expected)
  }

  @Test func secretsOfSeveralLinesAreRemoved() {
    #expect(
      Redaction.text("a:\n  secret: |\n    one\n\n    two\n  next: 1") == "a:\n  secret: <removed>\n  next: 1")
    #expect(Redaction.text("passwords:\n- one\n- two\nb: 1") == "passwords: <removed>\nb: 1")
    #expect(
      Redaction.text("- token: one\n  id: 2\n- id: 3") == "- token: <removed>\n- id: 3", "what is below it goes, too")
    #expect(
      Redaction.text("x\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\ny") == "x\n<removed>\ny")
  }

  @Test func optionsAndTheirValuesMayBeOnSeparateLines() {
    #expect(
      Redaction.text("[\n  \"-v\",\n  \"--password\",\n  \"a b\",\n  \"-x\"\n]")
        == "[\n  \"-v\",\n  \"--password\",\n  <removed>,\n  \"-x\"\n]")
    #expect(
      Redaction.text("args:\n  - --token\n  - a b\n  - --key\n  - -v\n  - x")
        == "args:\n  - --token\n  - <removed>\n  - --key\n  - -v\n  - x")
    #expect(Redaction.text("run --token\nmore") == "run --token\nmore")
  }

  @Test func secretsAreRemovedFromValues() {
    #expect(
      Redaction.value(["a": [["api_key": "x", "tokens": 5]], "b": "password=x"])
        == ["a": [["api_key": "<removed>", "tokens": 5]], "b": "password= <removed>"])
    #expect(
      Redaction.value(["args": ["--token", "abc", "--key", "-v", "x"]])
        == ["args": ["--token", "<removed>", "--key", "-v", "x"]])
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
