import Agent
import Glibc
import Linux
import Model
import TestKit
import Testing

@testable import AgentWASM

/// `SDK/build` and the modules that it builds.
@Suite(.enabled(if: Modules.canBuild, "no tools for WebAssembly: see the first line of output")) struct RecipeTests {
  /// Creates an agent's folder with these files, inside the temporary folder of the tests.
  private func folder(_ name: String, _ files: [String: String]) throws -> String {
    let path = "\(Modules.folder)/\(name)"
    try Files.makeFolder(path)
    for (file, text) in files { try Files.replace("\(path)/\(file)", with: Array(text.utf8)) }
    return path
  }

  private static let manifest = #"{"identity": {"id": "x"}, "runtime": {"driver": "wasm", "entry": "x.wasm"}}"#

  @Test(arguments: ["thermostat", "leak-guard-c"]) func buildsAreReproducible(name: String) throws {
    let source = "\(Modules.root)/Examples/wasm/\(name)"
    let first = try Modules.module(name)
    // Another folder and another cache, so that the shared part is compiled again, too.
    let copy = try folder("a copy of \(name)", [:])
    for file in try Files.names(in: source) where !file.hasSuffix(".wasm") {
      try Files.replace("\(copy)/\(file)", with: try Files.read("\(source)/\(file)"))
    }
    let built = try ModuleBuild([copy], ["XDG_CACHE_HOME=\(Modules.folder)/cache-\(name)"])
    try #require(built.code == 0, "\(built.errors)")
    let module = "\(copy)/\(name).wasm"
    let second = try Files.read(module)
    #expect(second == first)
    #expect(built.output == "\(module) \(second.count)\n")
    // Function names are kept, paths are not.
    let text = String(decoding: second, as: UTF8.self)
    #expect(text.holds(name == "thermostat" ? "10thermostat10ThermostatV" : "openstarry_handle"))
    for path in [Modules.root, Modules.folder, "/tmp", "/home", ".swift", ".cache"] {
      #expect(!text.holds(path), "\(path)")
    }
  }

  /// A relative path is resolved in the caller's folder, not in the agent's.
  @Test func relativeOutputIsBelowTheCallersFolder() throws {
    let here = try folder("here", [:])
    let built = try ModuleBuild(
      ["--output", "out/x.wasm", "\(Modules.root)/Examples/wasm/leak-guard-c"], ["-C", here])
    #expect(built.code == 0, "\(built.errors)")
    #expect(built.output.hasPrefix("\(here)/out/x.wasm "))
    #expect(Files.isFile("\(here)/out/x.wasm"))
    #expect(!Files.isFile("\(Modules.root)/Examples/wasm/leak-guard-c/out/x.wasm"))
  }

  @Test func mistakesAreReported() throws {
    func fails(_ words: [String], _ variables: [String] = [], code: Int32 = 1) throws -> String {
      let result = try ModuleBuild(words, variables)
      #expect(result.code == code)
      #expect(result.output.isEmpty)
      return result.errors
    }
    #expect(try fails([]).holds("use: build"))
    #expect(try fails(["/nowhere"]).holds("/nowhere: no such folder"))
    #expect(try fails([folder("no manifest", ["a.c": ""])]).holds("agent.json: no such file"))
    #expect(try fails([folder("no entry", ["agent.json": #"{"runtime":{}}"#])]).holds("runtime.entry is missing"))
    for entry in ["../x.wasm", "x"] {
      let manifest = #"{"runtime":{"entry":"\#(entry)"}}"#
      #expect(try fails([folder("odd entry", ["agent.json": manifest])]).holds("runtime.entry is '\(entry)'"))
    }
    #expect(try fails([folder("no source", ["agent.json": Self.manifest])]).holds("no *.swift and no *.c"))
    #expect(try fails([folder("two", ["agent.json": Self.manifest, "a.c": "", "a.swift": ""])]).holds("both"))
    let broken = try folder(
      "broken", ["agent.json": Self.manifest, "main.swift": "import OpenStarryAgent\nNobody.main()\n"])
    let errors = try fails([broken])
    #expect(errors.holds("main.swift:2:1: error:") && errors.holds("swiftc found errors"))
    let other = try folder(
      "libc",
      [
        "agent.json": Self.manifest,
        "a.c":
          "int open(const char *, int);\nint x __attribute__((used)); __attribute__((export_name(\"y\"))) int y(void) { return open(\"x\", 0); }\n",
      ])
    #expect(try fails([other]).holds("undefined symbol: open"))
    let good = "\(Modules.root)/Examples/wasm/thermostat"
    #expect(try fails([good], ["SWIFTC=no-such-swiftc"], code: 69).holds("no swiftc on PATH"))
    #expect(try fails([good], ["WASM_LD=no-such-linker"], code: 69).holds("no wasm-ld"))
    #expect(try fails([good], ["CLANG=true"], code: 69).holds("lacks the target wasm32"))
  }

  /// A single file with an @main type works like main.swift, and a crash names its function.
  @Test(.enabled(if: Modules.canRun)) func trapsNameTheFunction() throws {
    let source = """
      import OpenStarryAgent

      @main struct Clumsy: Agent {
        private var seen: [String: Int] = [:]

        mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
          // String keys, Unicode equivalence and segmentation, print, files, random numbers: all link and run.
          seen[event.type, default: 0] += 1
          let word = event["word"]?.string ?? ""
          print("\\(word.count) characters, \\(word.uppercased()), \\(word == "e\\u{301}"), \\(Int.random(in: 4...4))")
          do { _ = try context.file("/etc/passwd") } catch { context.log("\\(error.description), for \\(context.agent)") }
          print("\\(try context.frame("cam0", width: 4, height: 3).count) pixels")
          print("\\(try context.read("temperature").quality == .stale)")
          print(try context.complete("how warm?", system: "short", maxTokens: 20))
          if let index = event["index"]?.int { pick(Int(index)) }
        }

        @inline(never) private func pick(_ index: Int) { print("\\([1, 2, 3][index])") }

        func snapshot() -> Value { .map(Fields(seen.map { ($0.key, .int(Int64($0.value))) })) }
      }

      """
    let path = try folder("clumsy", ["agent.json": Self.manifest, "agent.swift": source])
    let built = try ModuleBuild([path])
    try #require(built.code == 0, "\(built.errors)")
    let bench = try ModuleBench(try Files.read("\(path)/x.wasm"), id: "clumsy")
    let host = TestHost()
    let agent = try bench.start(host)
    func event(_ payload: Fields) -> Event { Event(id: ULID(high: 1, low: 1), type: "test:event", payload: payload) }
    #expect(bench.activate(agent, event(["word": "é👩‍👩‍👧", "index": 1])) == nil)
    #expect(
      host.take() == [
        "log info 2 characters, É👩‍👩‍👧, false, 4",
        "log info denied: an agent in WebAssembly has no files: '/etc/passwd', for clumsy",
        "frame cam0 4x3", "log info 12 pixels", "read temperature", "log info true",
        "complete system: short, user: how warm? (20)", "log info thirty – 30", "log info 2",
      ])
    #expect(bench.snapshot(agent) == ["test:event": 1])
    let failure = bench.activate(agent, event(["index": 3]))
    #expect(failure?.reason == .crash)
    #expect(failure?.message.holds(".pick(") == true, "\(failure?.message ?? "")")
  }

  @Test(.enabled(if: Modules.canRun)) func agentThatExhaustsItsMemoryIsStopped() throws {
    let source = """
      import OpenStarryAgent

      @main struct Greedy: Agent {
        private var all: [[UInt8]] = []
        mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
          while true { all.append([UInt8](repeating: 1, count: 10_000)) }
        }
      }

      """
    let path = try folder("greedy", ["agent.json": Self.manifest, "agent.swift": source])
    try #require(ModuleBuild([path]).code == 0)
    let bench = try ModuleBench(try Files.read("\(path)/x.wasm"))
    let failure = bench.activate(try bench.start(TestHost()), Event(id: ULID(high: 1, low: 1), type: "test:event"))
    #expect(failure?.reason == .memory)
  }

  /// The header declares exactly the driver's imports, with the same parameters.
  @Test func headerMatchesTheContract() throws {
    let text = String(decoding: try Files.read("\(Modules.root)/SDK/openstarry.h"), as: UTF8.self)
    var found: [String: String] = [:]
    for part in text.split(separator: "\nOPENSTARRY_IMPORT(\"").dropFirst() {
      let names = part.split(separator: "\"", maxSplits: 3)
      let declaration = part.split(separator: ";")[0].split(separator: "\n").dropFirst().joined(separator: " ")
      let (head, tail) = (declaration.split(separator: "(")[0], declaration.split(separator: "(")[1])
      func letter(_ type: Substring) -> String { type.hasPrefix("uint64_t") ? "I" : "i" }
      let parameters = tail.dropLast().split(separator: ",").map { $0.drop { $0 == " " } }.filter { $0 != "void" }
      found["\(names[0]) \(names[2])"] =
        parameters.map { letter($0) }.joined() + ">" + (head.hasPrefix("void") ? "" : letter(head))
    }
    for entry in HostTable.own {
      let name = "\(entry.name.module) \(entry.name.name)"
      let types = String(
        decoding: entry.signature.parameters + [UInt8(ascii: ">")] + entry.signature.results, as: UTF8.self)
      #expect(found.removeValue(forKey: name) == types, "\(name)")
    }
    for (name, types) in found {
      let words = name.split(separator: " ").map(String.init)
      let signature = HostTable.signature(of: ImportName(module: words[0], name: words[1]))
      #expect(
        signature.map { String(decoding: $0.parameters + [UInt8(ascii: ">")] + $0.results, as: UTF8.self) } == types,
        "\(name)")
    }
    for export in [ABI.handle, ABI.start, ABI.snapshot] {
      #expect(text.holds("OPENSTARRY_EXPORT(\"\(export)\")"), "\(export)")
    }
  }
}
