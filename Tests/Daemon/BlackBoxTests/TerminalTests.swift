import Linux
import Model
import Testing

/// Text from outside must not reach a terminal as control sequences, however it is printed.
@Suite struct TerminalTests {
  /// Control sequence introducer (8 bits), right-to-left override, a colour, delete.
  private static let unsafeText = "a\u{9B}31mb\u{202E}c\u{1B}[31m\u{7F}d"

  private func unsafe(_ text: String) -> [String] {
    text.unicodeScalars.filter { scalar in
      switch scalar.value {
      case 0x0A: false
      case 0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
      default: false
      }
    }.map { String($0.value, radix: 16) }
  }

  @Test func jsonEscapesItAndSaysTheSame() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let daemon = try station.daemon()
    #expect(try station.run("emit", "x:y", "text=\(Self.unsafeText)").code == 0)
    let listed = try station.run("events", "x:y", "--json")
    #expect(unsafe(listed.output) == [])
    #expect(listed.json?["events"]?.list?.first?["payload"]?["text"]?.string == Self.unsafeText)
    #expect(unsafe(try station.run("events", "x:y").output) == [])
    let follower = try station.start("openstarry", ["events", "x:y", "--follow", "--json"])
    #expect(eventually { follower.output.contains("x:y") })
    #expect(unsafe(follower.output) == [])
    #expect(daemon.exitCode == nil)
  }

  /// The messages of the parser and of the daemon.
  @Test func complaintsEscapeItToo() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let text = Self.unsafeText
    for words in [
      ["simulate", "temperature", text], ["set", "fan", text], ["simulate", text], [text], ["events", "--last", text],
      ["emit", "a:b", "--priority", text], ["check", "\(text).yaml"], ["read", text], ["agent", "new", text],
      ["status", "--\(text)"], ["logs", "-n", text], ["--generate-completion-script", text], ["deploy", text],
      ["agent", "build", text], ["agent", "run", text], ["board", "check", text], ["help", text], ["rules", text],
      ["status", "--socket", text],
    ] {
      for words in [words, words + ["--json"]] {
        let outcome = try station.run(words)
        #expect(outcome.code != 0 && !outcome.errors.isEmpty, "\(words)")
        #expect(unsafe(outcome.errors) == [] && unsafe(outcome.output) == [], "\(words): \(outcome)")
      }
    }
    let daemon = try station.failingDaemon([text])
    #expect(daemon.code == 64 && unsafe(daemon.errors) == [], "\(daemon)")
    try station.write("board.yaml", "name: \"\(text)\"\nbackend: \"\(text)\"\ndevices: {}\n")
    let refused = try station.failingDaemon()
    #expect(refused.code == 78 && unsafe(refused.errors) == [], "\(refused)")
  }

  /// An agent's text goes into the daemon's log.
  @Test func theDaemonsLogIsPlain() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let daemon = try station.daemon(["--story"])
    #expect(try station.run("emit", "x:y", "text=\(Self.unsafeText)").code == 0)
    #expect(try station.run("estop", "--reason", Self.unsafeText).code == 0)
    #expect(eventually { daemon.output.contains("x:y") })
    #expect(unsafe(daemon.output) == [] && unsafe(daemon.errors) == [])
  }

  /// A console on a serial line takes commands; a shell is needed for files.
  @Test func theConsoleWritesNoFiles() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let daemon = try station.daemon()
    try station.write(
      "typed",
      "snapshot cam0 -o picture.jpg\nagent new x\nregister other.json\ncheck board.yaml\nconsole\ndevices\nexit\n")
    let console = try station.start("sh", ["-c", "exec \"$0\" console < typed", Station.executable("openstarry")])
    #expect(console.wait() == 0)
    for command in ["snapshot", "agent new", "register", "check"] {
      #expect(console.output.contains("'\(command)' works with files"), "\(console.output)")
    }
    #expect(console.output.contains("temperature"), "\(console.output)")
    #expect(!Files.exists("\(station.folder)/picture.jpg") && !Files.exists("\(station.folder)/x"))
    #expect(daemon.exitCode == nil)
  }
}
