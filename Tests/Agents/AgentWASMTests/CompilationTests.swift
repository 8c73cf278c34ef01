import Agent
import Linux
import Model
import ModuleKit
import TestKit
import Testing

@testable import AgentWASM

/// The compiler process: one at a time, limited, and never blocking the loop.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct CompilationTests {
  /// Modules that differ in what their handler returns.
  private static func module(_ number: Int, functions: Int = 0) -> [UInt8] {
    var builder = ModuleBuilder()
    builder.agent(handle: ModuleBuilder.constant(2048 + 4 * number))
    for index in 0..<functions {
      let body = (0..<200).flatMap { ModuleBuilder.constant($0 &* index) + ModuleBuilder.drop }
      builder.function(">", body)
    }
    return builder.bytes
  }

  private func start(
    _ bench: GuestBench, _ module: [UInt8], _ name: String,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) throws {
    var manifest = try bench.manifest(module)
    manifest.runtime.entry = name
    try Files.replace("\(bench.folder)/\(name)", with: module)
    bench.driver.start(manifest, host: bench.host, ended: { _ in }, done)
  }

  @Test func modulesAreCompiledOneByOneAndOnlyOnce() throws {
    let bench = try GuestBench()
    var ends = 0
    for number in 0..<6 {
      for copy in 0..<3 {
        try start(bench, Self.module(number), "m\(number)-\(copy).wasm") { if case .success = $0 { ends += 1 } }
      }
    }
    #expect(bench.driver.compilations == 0)
    var most = 0
    while ends < 18 {
      bench.loop.turn(wait: true)
      let waiting = (try? Files.names(in: bench.artefacts)) ?? []
      most = max(most, waiting.filter { $0.hasSuffix(".module") }.count)
    }
    #expect(bench.driver.compilations == 6)
    #expect(most == 1)
    #expect(try Files.names(in: bench.artefacts).allSatisfy { $0.hasSuffix(".cwasm") })
  }

  /// Two processes that share a folder, such as two `openstarry agent run`.
  @Test func concurrentCompilationsOfOneModuleBothSucceed() throws {
    let benches = [try GuestBench(), try GuestBench()]
    let shared = try TemporaryFolder()
    for bench in benches { bench.share("\(shared.path)/modules") }
    for round in 0..<5 {
      var ends: [String] = []
      for bench in benches {
        try start(bench, Self.module(100 + round), "m\(round).wasm") { ends.append($0.failureText) }
      }
      while ends.count < 2 { for bench in benches { bench.loop.turn(wait: false) } }
      #expect(ends == ["", ""])
    }
    let left = try Files.names(in: "\(shared.path)/modules")
    #expect(left.count == 5 && left.allSatisfy { $0.hasSuffix(".cwasm") }, "\(left)")
  }

  /// Whoever stops an agent waits neither for the compiler nor for a start function that does not return.
  @Test(arguments: [0, 3]) func aStartThatIsGivenUp(_ turns: Int) throws {
    let folder = try TemporaryFolder()
    let looping = try Workshop.build(
      "START u32 start(void) { for (volatile int i = 0;; i++) ; } HANDLE u32 handle(u32 e, u32 l) { return ok(); }",
      in: folder.path)
    let bench = try GuestBench()
    let manifest = try bench.manifest(looping)
    var answers: [String] = []
    bench.driver.start(manifest, host: bench.host, ended: { _ in Issue.record("it never started") }) {
      answers.append($0.failureText)
    }
    if turns > 0 {
      while bench.driver.compilations == 0 { bench.loop.turn(wait: true) }
      for _ in 0..<turns { bench.loop.turn(wait: false) }
      #expect(answers == [], "it runs its start function")
    }
    bench.driver.cancelStart(of: manifest.id)
    while answers.isEmpty { bench.loop.turn(wait: true) }
    #expect(answers.count == 1 && answers[0].contains("its start was given up"), "\(answers)")
    bench.driver.cancelStart(of: manifest.id)
    // The next one starts.
    let other = try bench.start(module: Self.module(1))
    #expect(bench.activate(other) == nil)
  }

  @Test func tooManyWaitingCompilationsAreRefused() throws {
    let bench = try GuestBench()
    bench.driver.bounds.waiting = 16 * Self.module(1).count
    var (ends, refused) = (0, 0)
    for number in 0..<24 {
      try start(bench, Self.module(number), "m\(number).wasm") {
        ends += 1
        if $0.failureText.contains("modules wait to be compiled; try again") { refused += 1 }
      }
    }
    while ends < 24 { bench.loop.turn(wait: true) }
    #expect((1...8).contains(refused))
    #expect(bench.driver.compilations == 24 - refused)
  }

  @Test func compilerOverItsTimeLimitIsKilled() throws {
    let bench = try GuestBench(patience: .zero)
    var failure = ""
    var isDone = false
    try start(bench, Self.module(1), "m.wasm") {
      failure = $0.failureText
      isDone = true
    }
    while !isDone { bench.loop.turn(wait: true) }
    #expect(failure.contains("compiling the module took more than 512 MiB or 0s"), "\(failure)")
    #expect(try Files.names(in: bench.artefacts) == [])
  }

  @Test func compilerOverItsMemoryLimitIsKilled() throws {
    let bench = try GuestBench(space: 40 << 20)
    var failure = ""
    var isDone = false
    try start(bench, Self.module(1, functions: 500), "m.wasm") {
      failure = $0.failureText
      isDone = true
    }
    while !isDone { bench.loop.turn(wait: true) }
    #expect(failure.contains("start-failed"), "\(failure)")
    #expect(try Files.names(in: bench.artefacts) == [])
    let enough = try GuestBench()
    let started: Result<any AgentInstance, AgentFailure> = enough.wait { done in
      do { try start(enough, Self.module(1, functions: 500), "m.wasm", done) } catch { Issue.record(error) }
    }
    #expect(started.failureText == "")
  }

  /// When memory is short, the kernel's OOM killer chooses the compiler, not the daemon.
  @Test func compilerIsTheOOMKillersFirstChoice() throws {
    let bench = try GuestBench()
    var isDone = false
    try start(bench, Self.module(1, functions: 2000), "m.wasm") { _ in isDone = true }
    var scores: Set<String> = []
    while !isDone {
      bench.loop.turn(wait: false)
      // The kernel lists children per thread that started them (proc_pid_task(5)).
      for thread in try Files.names(in: "/proc/self/task") {
        let children = (try? Files.read("/proc/self/task/\(thread)/children")) ?? []
        for child in String(decoding: children, as: UTF8.self).split(separator: " ") {
          let words = (try? Files.read("/proc/\(child)/cmdline")) ?? []
          guard String(decoding: words, as: UTF8.self).contains(bench.folder),
            let score = try? Files.read("/proc/\(child)/oom_score_adj")
          else { continue }
          scores.insert(String(decoding: score.dropLast(), as: UTF8.self))
        }
      }
    }
    #expect(scores.contains("1000"), "\(scores)")
  }

  /// 1.4 MB of exports made the compiler use nearly 1 GiB.
  @Test func modulesThatNeedALargeCompilerAreRefused() throws {
    var builder = ModuleBuilder()
    builder.agent()
    for number in 0..<100_000 { builder.function(">", export: "export \(number)", []) }
    let module = builder.bytes
    #expect(module.count > 1_400_000)
    let refusal = #expect(throws: AgentFailure.self) { try ModuleCheck.check(module, file: "m", memory: 4 << 20) }
    #expect(
      refusal?.message.contains("exports, more than the 1024 that are allowed") == true,
      "\(String(describing: refusal))")
    var importing = ModuleBuilder()
    for _ in 0..<2000 { _ = importing.importFunction("openstarry:agent/clock@0.1.0", "monotonic-now", ">I") }
    importing.agent()
    let second = importing.bytes
    #expect(throws: AgentFailure.self) { try ModuleCheck.check(second, file: "m", memory: 4 << 20) }
  }

  /// Another start of a loaded module reads no file and answers immediately.
  @Test func loadedModuleIsNotReadAgain() throws {
    let bench = try GuestBench()
    let first = try bench.start(module: Self.module(1))
    var manifest = try bench.manifest(Self.module(1))
    var second: Result<any AgentInstance, AgentFailure>?
    // The file was rewritten with the same contents: it is read and compared.
    bench.driver.start(manifest, host: bench.host, ended: { _ in }) { second = $0 }
    #expect(second == nil)
    while second == nil { bench.loop.turn(wait: true) }
    bench.driver.start(manifest, host: bench.host, ended: { _ in }) { second = $0 }
    second = nil
    bench.driver.start(manifest, host: bench.host, ended: { _ in }) { second = $0 }
    #expect(second != nil && bench.driver.compilations == 1)
    // A different module in its place is loaded.
    manifest = try bench.manifest(Self.module(2))
    second = nil
    bench.driver.start(manifest, host: bench.host, ended: { _ in }) { second = $0 }
    while second == nil { bench.loop.turn(wait: true) }
    #expect(bench.driver.compilations == 2)
    #expect(bench.activate(first) == nil)
  }
}
