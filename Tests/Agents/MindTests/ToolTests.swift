import Linux
import OpenStarryAgent
import TestKit
import Testing

@testable import MindAgent

/// Which tools a mind gets, and files.
@Suite struct ToolTests {
  private func tools(
    _ listed: [Value], devices: Bool = true, emits: [String] = [], paths: [String] = ["."], data: String? = nil
  ) throws -> ([String], [String]) {
    let host = ScriptedHost([])
    host.mind = ["tools": .list(listed)]
    if !devices { host.devices = [] }
    (host.emits, host.paths) = (emits, paths)
    var bench = Bench(host, data: data)
    try bench.handle()
    return (host.requests[0].tools.map(\.name), host.logs.filter { $0.contains("no tool") })
  }

  private static let device = ["getSensorData", "controlActuator", "getCameraSnapshot", "why"]

  @Test func permissionsAndTheListDecide() throws {
    let notes = ["schedule", "remember", "recall", "forget"]
    #expect(try tools([]).0 == Self.device + notes + ["fs.read", "fs.list"])
    #expect(try tools([], devices: false, paths: []).0 == notes)
    #expect(
      try tools([], emits: ["a:*"], paths: [], data: "/tmp").0 == Self.device + ["emit"] + notes + [
        "fs.read", "fs.list", "fs.write", "fs.mkdir", "fs.delete",
      ])
    // Upstream's manifests list only its own tools.
    let upstream = try tools(["fs.read", "fs.write", "fs.list", "fs.mkdir", "fs.delete"])
    #expect(upstream.0 == Self.device + ["fs.read", "fs.list"])
    #expect(
      upstream.1.count == 3 && upstream.1[0].contains("fs.write: it needs a folder, which permissions.data gives"))
    #expect(try tools(["fs.*"]).0 == Self.device + ["fs.read", "fs.list"])
    #expect(try tools(["getSensorData", "re*"]).0 == ["getSensorData", "remember", "recall"])
    #expect(try tools(["emit"]).1.first?.contains("emit: no permission provides for it") == true)
    #expect(try tools(["*"]).1 == [])
  }

  @Test func schemasSayWhatTheCheckDemands() throws {
    let host = ScriptedHost([])
    var bench = Bench(host)
    try bench.handle()
    let control = try #require(host.requests[0].tools.first { $0.name == "controlActuator" }).parameters
    #expect(control["additionalProperties"] == false && control["required"] == ["id", "command", "lease_s"])
    #expect(control["properties"]?["id"] == ["type": "string", "enum": ["fan"], "description": "the output"])
    let emit = try #require(host.requests[0].tools.first { $0.name == "emit" }).parameters
    #expect(emit["properties"]?["type"]?["pattern"] == "^(house:[A-Za-z0-9_.-]{1,32})$")
    host.emits = ["a:b", "c:d"]
    var exact = Bench(host)
    try exact.handle()
    let choice = try #require(host.requests[1].tools.first { $0.name == "emit" }).parameters
    #expect(choice["properties"]?["type"]?["enum"] == ["a:b", "c:d"])
    for tool in host.requests[0].tools {
      _ = try ModelTool(tool.wireValue, at: 1)
      #expect(!tool.description.isEmpty)
    }
  }

  /// A folder with a file inside, one outside, and links between them.
  private struct Place {
    let folder: TemporaryFolder
    let host: ScriptedHost
    var bench: Bench
    var inside: String { "\(folder.path)/in" }
    var data: String { "\(folder.path)/data" }

    init() throws {
      folder = try TemporaryFolder()
      try folder.write("in/a.txt", "hello")
      try folder.write("in/sub/b.txt", "deep")
      try folder.write("out/secret.txt", "secret")
      try folder.write("data/own.txt", "mine")
      try folder.write("inner/x", "no")
      for (target, name) in [
        ("../out/secret.txt", "in/link"), ("../out", "in/door"), ("a.txt", "in/near"), ("/proc/self/environ", "in/env"),
        ("../out/secret.txt", "data/link"), ("../out/new.txt", "data/dangling"), ("/dev/zero", "in/zero"),
      ] {
        let code = try Spawn.wait(for: Spawn.start("/bin/ln", ["ln", "-s", target, "\(folder.path)/\(name)"]))
        try #require(code == 0)
      }
      host = ScriptedHost([])
      host.paths = ["\(folder.path)/in", "/proc", "/dev/", "/", "\(folder.path)/missing"]
      host.mind = ["frustration_threshold": 1000, "error_window": 1000, "window": 0]
      bench = Bench(host, data: "\(folder.path)/data")
    }

    mutating func call(_ name: String, _ arguments: Fields) throws -> Value {
      let first = host.requests.count
      host.model = { (_, number) in number == first ? .calls(ToolCall(name, arguments)) : ModelAnswer(text: "") }
      try bench.handle()
      return host.requests.last!.toolAnswers[0]
    }
  }

  @Test func filesWithinThePathsAreRead() throws {
    var place = try Place()
    #expect(
      try place.call("fs.read", ["path": .string("\(place.inside)/a.txt")]) == [
        "ok": true, "text": "hello", "bytes": 5,
      ])
    #expect(try place.call("fs.read", ["path": .string("\(place.inside)/sub/../near")])["text"] == "hello")
    #expect(try place.call("fs.read", ["path": .string("\(place.inside)//./a.txt"), "offset": 3])["text"] == "lo")
    #expect(
      try place.call("fs.list", ["path": .string(place.inside), "recursive": true])["entries"] == [
        "a.txt", "door", "env", "link", "near", "sub/", "sub/b.txt", "zero",
      ])
    #expect(try place.call("fs.list", ["path": .string(place.inside)])["entries"]?.list?.count == 7)
    try place.folder.write("in/long.txt", String(repeating: "ä", count: 20_000))
    let long = try place.call("fs.read", ["path": .string("\(place.inside)/long.txt"), "offset": 1])
    #expect(long["ok"] == false, "a character is cut at the start")
    let part = try place.call("fs.read", ["path": .string("\(place.inside)/long.txt")])
    #expect(part["bytes"] == 40_000 && part["next_offset"] == 16_384 && part["text"]?.string?.utf8.count == 16_384)
  }

  /// Text that is escaped for the model takes more room; nothing of it is lost.
  @Test(arguments: ["<", "\u{1}", "\"\n", "\u{E0041}"]) func denseTextsAreReadInPieces(_ piece: String) throws {
    var place = try Place()
    let text = String(repeating: piece, count: 40_000 / piece.utf8.count)
    try place.folder.write("in/dense.txt", text)
    var (read, offset) = ("", Value?.some(0))
    while let from = offset, read.utf8.count < text.utf8.count {
      let part = try place.call("fs.read", ["path": .string("\(place.inside)/dense.txt"), "offset": from])
      read += try #require(part["text"]?.string)
      offset = part["next_offset"]
    }
    #expect(read.utf8.elementsEqual(text.utf8) && offset == nil)
  }

  /// Paths are bytes: letters of several bytes, and marks that make one character of two.
  @Test func namesOfAnyLettersAreFound() throws {
    var place = try Place()
    for name in ["größe", "e\u{301}", "\u{301}x"] { try place.folder.write("\(name)/wert.txt", name) }
    place.host.paths = ["größe", "e\u{301}"].map { "\(place.folder.path)/\($0)" }
    place.bench = Bench(place.host, data: place.data)
    for name in ["größe", "e\u{301}"] {
      let path = "\(place.folder.path)/\(name)"
      #expect(try place.call("fs.read", ["path": .string("\(path)/wert.txt")])["text"] == .string(name))
      #expect(try place.call("fs.list", ["path": .string(path)])["entries"] == ["wert.txt"])
    }
    for path in ["größe/../\u{301}x/wert.txt", "\u{E9}/wert.txt"] {
      #expect(try place.call("fs.read", ["path": .string("\(place.folder.path)/\(path)")])["ok"] == false, "\(path)")
    }
    for path in ["../\u{301}evil", "a/../../\u{301}evil"] {
      for tool in ["fs.mkdir", "fs.delete"] { #expect(try place.call(tool, ["path": .string(path)])["ok"] == false) }
      #expect(try place.call("fs.write", ["path": .string(path), "content": "x"])["ok"] == false)
    }
    #expect(!place.folder.names.contains { $0.contains("evil") })
  }

  /// The launcher ends a mind whose folder has more than its manifest allows.
  @Test func aFullFolderIsARefusal() throws {
    let folder = try TemporaryFolder()
    let places = FilePlaces([], data: folder.path, limit: 10_000)
    try places.makeSure(ofRoomFor: 4096)
    try folder.write("a.txt", String(repeating: "x", count: 5000))
    let failure = #expect(throws: ToolFailure.self) { try places.makeSure(ofRoomFor: 4096) }
    #expect(failure?.message.contains("there is no room") == true, "\(String(describing: failure))")
    try FilePlaces([], data: folder.path, limit: 20_000).makeSure(ofRoomFor: 4096)
    try FilePlaces([], data: folder.path).makeSure(ofRoomFor: 1 << 30)
  }

  @Test func theInnerOfTwoPlacesIsUsed() throws {
    let place = try Place()
    for granted in [[place.inside, "\(place.inside)/sub"], ["\(place.inside)/sub", place.inside]] {
      let places = FilePlaces(granted, data: nil)
      let found = try places.find("\(place.inside)/sub/b.txt", for: .reading)
      #expect(found.root.hasSuffix("/in/sub") && found.path == "b.txt")
      #expect(try places.find("\(place.inside)/sub", for: .reading).path == ".")
      #expect(try places.find("\(place.inside)/a.txt", for: .reading).root.hasSuffix("/in"))
    }
  }

  @Test func aLinkIsDeletedAndNotItsTarget() throws {
    var place = try Place()
    let code = try Spawn.wait(for: Spawn.start("/bin/ln", ["ln", "-s", "own.txt", "\(place.data)/near"]))
    try #require(code == 0)
    for name in ["near", "link", "dangling"] {
      #expect(try place.call("fs.delete", ["path": .string(name)])["ok"] == true, "\(name)")
      #expect(!Files.hasEntry("\(place.data)/\(name)"))
    }
    #expect(try place.folder.bytes("data/own.txt") == Array("mine".utf8))
    #expect(try place.folder.bytes("out/secret.txt") == Array("secret".utf8))
  }

  @Test func nothingElseIs() throws {
    var place = try Place()
    let root = place.folder.path
    for path in [
      "/etc/passwd", "../out/secret.txt", "\(place.inside)/../out/secret.txt", "\(place.inside)/link",
      "\(place.inside)/env",
      "\(place.inside)/door/secret.txt", "\(root)/inner/x", "\(place.inside)/zero", "/proc/self/environ", "/dev/zero",
      "/proc/self/root/etc/passwd", "\(place.inside)\u{0}", "\(place.inside)/a.txt\u{0}.png", "", "/", ".", "~/x",
      "a\nb",
      String(repeating: "/x", count: 600), "\(place.inside)/missing", place.inside, "file:///etc/passwd",
    ] {
      let answer = try place.call("fs.read", ["path": .string(path)])
      #expect(answer["ok"] == false && answer["text"] == nil, "\(path): \(answer)")
      let list = try place.call("fs.list", ["path": .string(path)])
      #expect(list["ok"]?.bool == (path == place.inside || path == "."), "\(path): \(list)")
    }
    // The same words whether a file that it may not use exists or not.
    let (there, gone) = (
      try place.call("fs.read", ["path": "/etc/passwd"]), try place.call("fs.read", ["path": "/etc/nothing"])
    )
    #expect(
      there["error"]?.string?.replacing("passwd", with: "") == gone["error"]?.string?.replacing("nothing", with: ""))
  }

  @Test func changesAreForItsOwnFolderOnly() throws {
    var place = try Place()
    #expect(try place.call("fs.mkdir", ["path": "new"])["ok"] == true)
    #expect(try place.call("fs.write", ["path": "new/x.txt", "content": "one"])["ok"] == true)
    #expect(
      try place.call("fs.write", ["path": .string("\(place.data)/new/x.txt"), "content": "2"]) == [
        "ok": true, "bytes": 1,
      ])
    #expect(try place.folder.bytes("data/new/x.txt") == Array("2".utf8))
    #expect(try place.call("fs.read", ["path": "new/x.txt"])["text"] == "2")
    #expect(try place.call("fs.delete", ["path": "new"])["ok"] == false, "it is not empty")
    #expect(try place.call("fs.delete", ["path": "new/x.txt"])["ok"] == true)
    #expect(try place.call("fs.delete", ["path": "new"])["ok"] == true)
    #expect(place.folder.names.contains("data") && !Files.exists("\(place.data)/new"))

    for path in [
      "../in/a.txt", "link", "dangling", "/tmp/evil.txt", "\(place.inside)/a.txt", "\(place.inside)/new.txt", ".", "",
      "missing/x.txt", "x\u{0}y", "../data2/x",
    ] {
      let written = try place.call("fs.write", ["path": .string(path), "content": "evil"])
      #expect(written["ok"] == false, "\(path)")
      #expect(try place.call("fs.mkdir", ["path": .string(path)])["ok"] == (path == "." ? true : false), "\(path)")
      if path != "link" && path != "dangling" {
        #expect(try place.call("fs.delete", ["path": .string(path)])["ok"] == false, "\(path)")
      }
    }
    #expect(try place.folder.bytes("out/secret.txt") == Array("secret".utf8))
    #expect(try place.folder.bytes("in/a.txt") == Array("hello".utf8))
    #expect(!Files.exists("\(place.folder.path)/out/new.txt"))
    let long = String(repeating: "x", count: 70_000)
    #expect(try place.call("fs.write", ["path": "long", "content": .string(long)])["ok"] == false)
  }
}
