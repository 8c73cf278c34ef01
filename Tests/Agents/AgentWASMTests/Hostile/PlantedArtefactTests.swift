import Agent
import Glibc
import Linux
import Model
import ModuleKit
import TestKit
import Testing

@testable import AgentWASM

/// Compiled modules are native code: only the daemon may create them, and nobody may truncate one that runs.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct PlantedArtefactTests {
  private static let module: [UInt8] = {
    var builder = ModuleBuilder()
    builder.agent()
    return builder.bytes
  }()

  private func start(_ bench: GuestBench) throws -> String {
    let manifest = try bench.manifest(Self.module)
    let started: Result<any AgentInstance, AgentFailure> = bench.wait {
      bench.driver.start(manifest, host: bench.host, ended: { _ in }, $0)
    }
    if case .failure(let failure) = started {
      // The cause is the board, not the agent.
      #expect(failure.reason == .refused)
      return failure.message
    }
    return ""
  }

  /// A compiled module that is valid except for the secret: otherwise another module's code would run under this name.
  @Test func foreignCompiledModuleIsNotRun() throws {
    let bench = try GuestBench()
    #expect(try start(bench) == "")
    let name = try #require(try Files.names(in: bench.artefacts).first)
    let path = "\(bench.artefacts)/\(name)"
    let whole = try Files.read(path)
    #expect(try FileStatus("\(bench.artefacts).key").mode == 0o600)
    let engine = Engine(try EngineLibrary(path: try #require(Workshop.engine)))
    let seal = Seal(module: Self.module, key: Engine.key(engine.library, engine.configuration))
    let code = Array(whole.dropLast(Seal.size))
    for secret in [[], [UInt8](repeating: 0, count: 32)] as [[UInt8]] {
      try Files.replace(path, with: code + seal.bytes(code: SHA256.hash(code), secret: secret))
      bench.restart()
      #expect(try start(bench) == "")
      #expect(bench.driver.compilations == 1)
      #expect(try Files.read(path) == whole)
    }
  }

  @Test func folderThatIsASymbolicLinkIsRefused() throws {
    let bench = try GuestBench()
    try Files.makeFolder("\(bench.folder)/elsewhere", mode: 0o700)
    Files.removeFolder(bench.artefacts)
    #expect(unsafe symlink("\(bench.folder)/elsewhere", bench.artefacts) == 0)
    #expect(try start(bench).contains("\(bench.artefacts) is a symbolic link: replace it by a folder"))
    #expect(try Files.names(in: "\(bench.folder)/elsewhere").isEmpty)
  }

  @Test func symbolicLinkIsNotFollowed() throws {
    let bench = try GuestBench()
    #expect(try start(bench) == "")
    let name = try #require(try Files.names(in: bench.artefacts).first)
    let path = "\(bench.artefacts)/\(name)"
    try Files.move(path, to: "\(bench.folder)/elsewhere")
    #expect(unsafe symlink("\(bench.folder)/elsewhere", path) == 0)
    bench.restart()
    #expect(try start(bench) == "")
    #expect(bench.driver.compilations == 1)
    #expect(try FileStatus(path).inode != (try FileStatus("\(bench.folder)/elsewhere").inode))
  }

  @Test func folderWritableByOthersIsRefused() throws {
    for folder in ["modules", ""] {
      let bench = try GuestBench()
      #expect(try start(bench) == "")
      Files.setMode("\(bench.folder)/\(folder)", 0o777)
      bench.restart()
      let refusal = try start(bench)
      #expect(refusal.hasPrefix("compiled modules are native code, and \(bench.folder)"), "\(refusal)")
      #expect(refusal.contains("is writable by everyone"), "\(refusal)")
      #expect(bench.driver.compilations == 0)
    }
  }

  /// Reading a page beyond the end of a truncated mapped file kills the process (SIGBUS).
  @Test func truncatingALoadedCompiledModuleIsHarmless() throws {
    let bench = try GuestBench()
    let instance = try bench.start(module: Self.module)
    #expect(bench.activate(instance) == nil)
    for name in try Files.names(in: bench.artefacts) {
      _ = try System.open("\(bench.artefacts)/\(name)", O_WRONLY | O_TRUNC)
    }
    #expect(bench.activate(instance) == nil)
    let second = try bench.start(module: Self.module)
    #expect(bench.activate(second) == nil)
  }
}
