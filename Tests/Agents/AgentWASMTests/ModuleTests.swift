import Agent
import Document
import Linux
import Model
import TestKit
import Testing

@testable import AgentWASM

/// Invalid modules and compiled modules.
@Suite(.enabled(if: Workshop.isReady, "no engine or no clang: see the first line of output")) struct ModuleTests {
  private static let good = "HANDLE u32 handle(u32 e, u32 l) { return ok(); }"

  private func refusal(_ bench: GuestBench, _ source: String, common: Bool = true) throws -> String {
    let manifest = try bench.manifest(try Workshop.build(source, in: bench.folder, common: common))
    do throws(AgentFailure) {
      try bench.driver.validate(manifest)
      return "taken"
    } catch {
      return error.description
    }
  }

  @Test func importsAndExportsAreChecked() throws {
    let bench = try GuestBench()
    let unknown = try refusal(
      bench, "IMPORT(\"env\", \"system\") int run(int); HANDLE u32 handle(u32 e, u32 l) { run(1); return ok(); }")
    #expect(unknown.contains("imports 'env#system', which the host does not have"))
    let misspelt = try refusal(
      bench,
      "IMPORT(\"wasi_snapshot_preview1\", \"fd_wriet\") int run(int); HANDLE u32 handle(u32 e, u32 l) { run(1); return ok(); }"
    )
    #expect(misspelt.contains("fd_wriet"))
    let signature = try refusal(
      bench,
      """
      IMPORT("openstarry:agent/state@0.1.0", "get") int run(long long);
      HANDLE u32 handle(u32 e, u32 l) { run(1); return ok(); }
      """)
    #expect(signature.contains("as (i64) -> (i32); it must be (i32, i32, i32) -> ()"))
    let empty = try refusal(bench, "__attribute__((export_name(\"x\"))) int x(void) { return 1; }", common: false)
    #expect(empty.contains("does not export the function 'cabi_realloc'") && empty.contains("#handle'"))
    let wrong = try refusal(bench, "HANDLE void handle(u32 e) {}")
    #expect(wrong.contains("as (i32) -> (); it must be (i32, i32) -> (i32)"))
    #expect(try refusal(bench, Self.good) == "taken")
  }

  @Test func malformedModulesAreRefusedWithoutACrash() throws {
    let bench = try GuestBench()
    let module = try Workshop.build(Self.good, in: bench.folder)
    for length in 0..<module.count where length != module.count {
      // A module that is truncated inside the name section at its end may pass the check of its structure.
      try? ModuleCheck.check(Array(module.prefix(length)), file: "cut", memory: 4 << 20)
    }
    #expect(throws: AgentFailure.self) { try ModuleCheck.check(Array(module.prefix(60)), file: "cut", memory: 4 << 20) }
    var random = SeededGenerator(4)
    for _ in 0..<1500 {
      var broken = module
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let bit = Int.random(in: 0..<module.count * 8, using: &random)
        broken[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      try? ModuleCheck.check(broken, file: "flipped", memory: 4 << 20)
    }
    for bytes in [[], [0], Array("(module)".utf8), [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0]] as [[UInt8]] {
      #expect(throws: AgentFailure.self) { try ModuleCheck.check(bytes, file: "none", memory: 4 << 20) }
    }
    // A section of ten bytes with a count of 4 billion types.
    let many: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 6, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x60]
    #expect(throws: AgentFailure.self) { try ModuleCheck.check(many, file: "many", memory: 4 << 20) }
  }

  /// A module with a valid structure and invalid code is refused with a message from the compiler process.
  @Test func compilerRefusesInvalidCode() throws {
    let bench = try GuestBench()
    var module = try Workshop.build(Self.good, in: bench.folder)
    let code = try #require(
      module.indices.first { module[$0...].starts(with: [0x41, 0x00, 0x36]) || module[$0] == 0x0B })
    module[code] = 0xFF
    let manifest = try bench.manifest(module)
    let result: Result<any AgentInstance, AgentFailure> = bench.wait {
      bench.driver.start(manifest, host: bench.host, ended: { _ in }, $0)
    }
    guard case .failure(let failure) = result else { throw AgentFailure(.error, "taken") }
    #expect(failure.reason == .startFailed && failure.message.contains("cannot be compiled"))
    #expect(try Files.names(in: bench.artefacts) == [])
  }

  @Test func compiledModulesAreReusedAndDamagedOnesRecompiled() throws {
    let bench = try GuestBench()
    let module = try Workshop.build(Self.good, in: bench.folder)
    #expect(bench.activate(try bench.start(module: module)) == nil)
    #expect(bench.driver.compilations == 1)
    let name = try #require(try Files.names(in: bench.artefacts).first)
    #expect(try Files.names(in: bench.artefacts) == [name])
    let path = "\(bench.artefacts)/\(name)"
    let whole = try Files.read(path)
    bench.restart()
    #expect(bench.activate(try bench.start(module: module)) == nil)
    #expect(bench.driver.compilations == 0)
    var random = SeededGenerator(9)
    var damaged: [[UInt8]] = [[], Array(whole.prefix(1000)), Array(whole.dropLast()), whole + [0]]
    for _ in 0..<6 {
      var flipped = whole
      let bit = Int.random(in: 0..<whole.count * 8, using: &random)
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      damaged.append(flipped)
    }
    for file in damaged {
      try Files.replace(path, with: file)
      bench.restart()
      #expect(bench.activate(try bench.start(module: module)) == nil)
      #expect(bench.driver.compilations == 1)
    }
    // Another module's compiled code under this name is not accepted either.
    let other = try Workshop.build("HANDLE u32 handle(u32 e, u32 l) { return fail(\"other\", 5); }", in: bench.folder)
    _ = try bench.start(module: other)
    let names = try Files.names(in: bench.artefacts).filter { $0 != name }
    try Files.replace(path, with: try Files.read("\(bench.artefacts)/\(try #require(names.first))"))
    bench.restart()
    #expect(bench.activate(try bench.start(module: module)) == nil)
    #expect(bench.driver.compilations == 1)
  }

  @Test func missingEngineErrorSaysWhatToInstall() throws {
    let bench = try GuestBench()
    let manifest = try bench.manifest(try Workshop.build(Self.good, in: bench.folder))
    let without = WASMDriver(bench.loop, folder: bench.artefacts, places: ["/nowhere/libwasmtime.so"])
    let refused = #expect(throws: AgentFailure.self) { try without.validate(manifest) }
    #expect(refused?.message.contains("not installed (looked for /nowhere/libwasmtime.so)") == true)
    try Files.replace("\(bench.folder)/libwasmtime.so", with: Array("no library".utf8))
    let broken = WASMDriver(bench.loop, folder: bench.artefacts, places: ["\(bench.folder)/libwasmtime.so"])
    #expect(throws: AgentFailure.self) { try broken.validate(manifest) }
  }

  @Test func selfTestPassesAndVersionIsKnown() throws {
    let engine = Engine(try EngineLibrary(path: try #require(Workshop.engine)))
    try SelfTest.run(engine)
    #expect(SelfTest.version(in: try engine.compile(SelfTest.spin))?.hasPrefix("50") == true)
  }
}

/// Tests that need no engine.
@Suite struct ContractTests {
  @Test func hashesMatchTheStandard() {
    #expect(SHA256.text(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.text([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.text(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  /// RFC 4231, test cases 1, 2 and 4.
  @Test func keyedHashesMatchTheStandard() {
    func text(_ bytes: [UInt8]) -> String {
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    #expect(
      text(SHA256.keyed([UInt8](repeating: 0x0B, count: 20), "Hi There".utf8))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      text(SHA256.keyed(Array("Jefe".utf8), "what do ya want for nothing?".utf8))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      text(SHA256.keyed(Array(1...25), [UInt8](repeating: 0xCD, count: 50)))
        == "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b")
  }

  /// A change of any bit of code or seal, of the length, the secret, the module or the key breaks the seal.
  @Test func sealDetectsEveryChange() throws {
    let place = try TemporaryFolder()
    let folder = try TrustedFolder(place.path)
    let (secret, code) = ([UInt8](repeating: 7, count: 32), [UInt8](0..<200))
    let seal = Seal(module: [1, 2, 3], key: "key")
    let file = code + seal.bytes(code: SHA256.hash(code), secret: secret)
    func holds(_ bytes: [UInt8], _ seal: Seal, _ secret: [UInt8]) throws -> Bool {
      try place.write("x.cwasm", bytes)
      return Artefact.open("x.cwasm", in: folder, seal, secret: secret) != nil
    }
    #expect(try holds(file, seal, secret))
    for bit in 0..<file.count * 8 {
      var flipped = file
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(try !holds(flipped, seal, secret))
    }
    for length in 0..<file.count { #expect(try !holds(Array(file.prefix(length)), seal, secret)) }
    #expect(try !holds(file + [0], seal, secret))
    #expect(try !holds(file, Seal(module: [1, 2, 3], key: "other"), secret))
    #expect(try !holds(file, Seal(module: [1, 2], key: "key"), secret))
    #expect(try !holds(file, seal, [UInt8](repeating: 8, count: 32)))
    // An attacker who knows everything except the secret.
    #expect(try !holds(code + seal.bytes(code: SHA256.hash(code), secret: []), seal, secret))
  }

  /// The WIT file, the host table and the documentation list the same functions with the same core types.
  @Test func contractMatchesTheHostTable() throws {
    let contract = try Contract()
    let document = String(decoding: try Repository.read("docs/wasm-abi.md"), as: UTF8.self)
    let written = Dictionary(uniqueKeysWithValues: contract.imports.map { ($0.name, $0.lowered) })
    let table = Dictionary(uniqueKeysWithValues: HostTable.own.map { ($0.name.description, $0.signature) })
    #expect(written == table)
    #expect(!written.isEmpty)
    // | `module` | `name` | parameters | result |
    var listed: [String: Signature] = [:]
    for line in document.split(separator: "\n") where line.hasPrefix("| `openstarry:") {
      let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
      guard cells.count >= 3, cells[0].hasSuffix("@\(ABI.version)") else { continue }
      listed["\(cells[0])#\(cells[1])"] = Self.lowered(cells[2], result: cells.count > 3 ? cells[3] : "")
    }
    #expect(listed == table)
    for (wit, abi) in [("handle", ABI.handle), ("start", ABI.start), ("snapshot", ABI.snapshot), ("cbor", ABI.cbor)] {
      let function = try #require(contract.exports.first { $0.name == abi })
      #expect(function.name.hasSuffix("#\(wit)"))
      let known = (ABI.requiredExports + ABI.optionalExports).first { $0.name == abi }
      #expect(function.lifted == known?.signature)
      #expect(document.contains("| `\(abi)` |"))
    }
    #expect(contract.exports.count == 4)
    #expect(document.contains("| `\(ABI.allocate)` |"))
    #expect(contract.errorCodes == AgentError.Code.allCases.map(\.rawValue))
    for name in WASINames.signatures.keys where HostTable.works(name) {
      #expect(document.contains("`\(name)`"), "\(name) is not on the page")
    }
  }

  /// The signature of a table row in the documentation: `id (ptr, len), lease in ms **i64**, area`.
  private static func lowered(_ parameters: String, result: String) -> Signature {
    var core = ""
    var depth = 0
    var part = ""
    func end() {
      if !part.isEmpty { core += part.contains("(ptr,len)") ? "ii" : part.contains("**i64**") ? "I" : "i" }
      part = ""
    }
    for character in parameters {
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character == "," && depth == 0 { end() } else { part.append(character) }
    }
    end()
    return Signature(stringLiteral: core + (result.hasPrefix("i64") ? ">I" : ">"))
  }

  @Test func commandsAreParsed() throws {
    func command(_ text: String) throws -> ActuatorCommand { try PayloadEncoding.json.decodeCommand(Array(text.utf8)) }
    #expect(try command("\"on\"") == .on)
    #expect(try command("0.5") == .level(0.5) && command("1") == .level(1))
    #expect(try command("{\"level\":0.5}") == .level(0.5), "a former form")
    #expect(try command("{\"pulse_ms\":20}") == .pulse(.milliseconds(20)))
    #expect(try command("{\"pulse_ms\":31536000000}") == .pulse(.seconds(365 * 86_400)))
    for bad in [
      "", "on", "{}", "{\"pulse_ms\":-1}", "{\"pulse_ms\":31536000001}", "[1]", "{\"level\":\"x\"}",
      "{\"level\":1.5}", "-0.1", "{\"level\":1,\"pulse_ms\":1}",
    ] {
      #expect(throws: AgentError.self) { try command(bad) }
    }
  }
}
