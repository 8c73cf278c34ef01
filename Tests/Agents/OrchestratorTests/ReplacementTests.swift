import Agent
import Model
import TestKit
import Testing

@testable import Orchestrator

/// Another version in the place of an agent that may run.
@Suite struct ReplacementTests {
  private let world = World()
  private let keeper = Quarantines()
  private let go = [EventPattern("x:go")]

  /// What `replace` answered; nil while it has not.
  private final class Answer {
    var result: Result<Void, AgentControlError>?
    var isDone: Bool { if case .success? = result { true } else { false } }
    var refusal: AgentControlError? { if case .failure(let error)? = result { error } else { nil } }
  }

  private func replace(_ manifest: Manifest, trial: Duration? = nil) -> Answer {
    let answer = Answer()
    world.agents.replace(manifest, trial: trial, cause: nil) { answer.result = $0 }
    world.settle()
    return answer
  }

  private func version(_ id: AgentID = "a") -> String? { try? world.agents.manifest(id).version }

  private var kept: [String] {
    world.registry.changes.compactMap { if case .agent(let manifest) = $0 { manifest.version } else { nil } }
  }

  @Test func oneThatRunsEndsFirstAndTheNewOneIsStarted() throws {
    world.agents.quarantines = keeper
    try world.agents.register(slowAgent("a") { $0.version = "1.0.0" })
    _ = try world.agents.spawnAgent("a", cause: nil)
    world.agents.log("a", .info, "said before")
    try world.agents.wakeAgent("a", with: world.log.publish("x:go", from: "client/test"))
    let answer = replace(slowAgent("a") { $0.version = "2.0.0" })
    #expect(answer.result == nil && version() == "1.0.0")
    #expect(try world.state("a") == .draining)
    let second = replace(slowAgent("a"))
    #expect(second.refusal == .draining("a"))
    world.slow.instances[0].finish()
    world.slow.instances[0].end()
    // Nothing starts the former one again in between.
    #expect(
      refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("a", cause: nil) } == .draining("a"))
    world.settle()
    #expect(answer.isDone && version() == "2.0.0" && kept == ["1.0.0", "2.0.0"])
    #expect(try world.state("a") == .ready && world.lines("a").first == "said before")
    // One that did not run is only replaced.
    try world.agents.killAgent("a", now: true, cause: nil) {}
    world.slow.instances[1].end()
    #expect(replace(slowAgent("a") { $0.version = "3.0.0" }).isDone && version() == "3.0.0")
    #expect(try world.state("a") == .idle)
  }

  @Test func aReloadFindsTheFormerVersionUnchangedAfterATrial() throws {
    let former = doer("a") { $0.document = ["version": "1"] }
    try world.adopt(former)
    #expect(
      world.agents.isRegistered(former) && !world.agents.isRegistered(doer("a") { $0.document = ["version": "2"] }))
    #expect(try world.agents.manifest("a").document == [:], "it is kept twice")
    let failing = slowAgent("a") {
      $0.document = ["version": "2"]
      $0.runtime.entry = "missing"
    }
    #expect(replace(failing, trial: .seconds(1)).refusal != nil)
    let killed = replace(doer("a") { $0.document = ["version": "2"] }, trial: .seconds(5))
    try world.agents.killAgent("a", now: true, cause: nil) {}
    world.wait(.seconds(1))
    #expect(killed.refusal != nil && world.agents.isRegistered(former))
  }

  @Test func registeringLetsOneOutOfQuarantine() throws {
    world.agents.quarantines = keeper
    try world.agents.register(doer("a") { $0.policy = Policy(maxRestarts: 0) })
    try world.agents.wakeAgent("a", with: world.emit("do:fail"))
    world.settle()
    #expect(try world.state("a") == .quarantined && keeper.kept["a"] != nil)
    #expect(replace(doer("a")).isDone)
    #expect(try world.state("a") == .idle && keeper.kept.isEmpty)
    #expect(refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("a", cause: nil) } == nil)
  }

  @Test func aVersionThatRunsWellIsKeptAfterItsTrial() throws {
    let answer = replace(doer("a") { $0.version = "1.0.0" }, trial: .seconds(5))
    #expect(try world.state("a") == .ready)
    world.wait(.seconds(4.9))
    #expect(answer.result == nil && kept.isEmpty)
    world.wait(.seconds(0.2))
    #expect(answer.isDone && kept == ["1.0.0"] && world.of("agent:registered").count == 1)
  }

  @Test func aVersionThatFailsMakesRoomForTheFormerOne() throws {
    world.agents.quarantines = keeper
    try world.agents.register(doer("a") { $0.version = "1.0.0" })
    _ = try world.agents.spawnAgent("a", cause: nil)
    let answer = replace(doer("a") { $0.version = "2.0.0" }, trial: .seconds(5))
    world.wait(.seconds(1))
    #expect(version() == "2.0.0" && answer.result == nil)
    try world.agents.wakeAgent("a", with: world.emit("do:fail"))
    world.wait(.seconds(1))
    #expect(version() == "1.0.0" && kept == ["1.0.0"])
    #expect(try world.state("a") == .ready)
    #expect(
      answer.refusal?.description == "version 2.0.0 of agent 'a' failed: failed: on purpose; version 1.0.0 is back")
    // What cannot run at all changes nothing.
    let wrong = replace(slowAgent("a") { $0.runtime.entry = "missing" }, trial: .seconds(5))
    #expect(wrong.refusal == .cannotRun("a", "no program 'missing'") && version() == "1.0.0")
    #expect(try world.state("a") == .ready)
  }

  @Test func aVersionThatIsKilledOnTrialIsNotProven() throws {
    try world.agents.register(doer("a") { $0.version = "1.0.0" })
    _ = try world.agents.spawnAgent("a", cause: nil)
    let answer = replace(doer("a") { $0.version = "2.0.0" }, trial: .seconds(5))
    world.wait(.seconds(1))
    try world.agents.killAgent("a", now: false, cause: nil) {}
    world.wait(.seconds(1))
    #expect(
      answer.refusal?.description
        == "version 2.0.0 of agent 'a' is not proven: it was killed during the trial; version 1.0.0 is back")
    // It was killed to be dead.
    #expect(try world.state("a") == .idle && version() == "1.0.0" && kept == ["1.0.0"])
  }

  @Test func anotherChangeDuringATrialNamesTheVersionThatItEnds() throws {
    func outcome(_ version: String) -> String {
      "version \(version) of agent 'a' was replaced or removed while it was on trial"
    }
    let first = replace(doer("a") { $0.version = "1.0.0" }, trial: .seconds(5))
    world.wait(.seconds(1))
    let second = replace(doer("a") { $0.version = "2.0.0" }, trial: .seconds(5))
    world.wait(.seconds(1))
    #expect(first.refusal?.description == outcome("1.0.0") && second.result == nil)
    try world.agents.killAgent("a", now: true, cause: nil) {}
    try world.agents.unregister("a")
    world.wait(.seconds(1))
    #expect(second.refusal?.description == outcome("2.0.0"))
  }

  // MARK: Programs

  /// A version in this folder, with the program `run` unless another one is named.
  private func program(_ version: String, in folder: TemporaryFolder, entry: String = "run") -> Manifest {
    slowAgent("a") {
      $0.version = version
      $0.file = "\(folder.path)/agent.json"
      $0.runtime.entry = entry
    }
  }

  /// What is said about the former version when this one fails.
  private func fail(_ manifest: Manifest) throws -> String {
    let answer = replace(manifest, trial: .seconds(5))
    world.wait(.seconds(1))
    let instance = try #require(world.slow.instances.last)
    instance.leave(.crash, "it crashed")
    world.wait(.seconds(1))
    let outcome = try #require(answer.refusal?.description)
    let failure = "version \(manifest.version) of agent 'a' failed: it crashed; "
    #expect(outcome.hasPrefix(failure))
    return String(outcome.dropFirst(failure.count))
  }

  @Test func aProgramThatWasChangedInPlaceIsNotBack() throws {
    world.agents.quarantines = keeper
    let folder = try TemporaryFolder()
    try folder.write("run", "one")
    try folder.write("other", "two")
    try world.agents.register(program("1.0.0", in: folder))
    #expect(try fail(program("1.1.0", in: folder)) == "version 1.0.0 is back", "its program is as before")
    try folder.write("run", "another one")
    #expect(try fail(program("2.0.0", in: folder, entry: "other")) == "version 1.0.0 is back", "it has its own")
    let lost =
      "but not its program \(folder.path)/run, which was changed in place: keep a folder for each version"
    // However the path is written, and however often it is tried.
    for entry in ["run", "./run"] {
      #expect(
        try fail(program("2.0.0", in: folder, entry: entry)) == "the manifest of version 1.0.0 is back, \(lost)")
    }
    keeper.kept["a"] = AgentFailure(.error, "three strikes")
    #expect(
      try fail(program("2.0.0", in: folder))
        == "the manifest of version 1.0.0 is back, in quarantine as before, \(lost)")
  }

  @Test func anImageOfTheSameNameMayBeAnother() {
    func image(_ name: String) -> Manifest {
      doer("a") { $0.runtime = Manifest.Runtime(driver: .docker, entry: name) }
    }
    #expect(image("pump:1").lostProgram(after: image("pump:1"), hash: nil) == .image("pump:1"))
    #expect(image("pump:1").lostProgram(after: image("pump:2"), hash: nil) == nil)
    #expect(image("pump@sha256:1").lostProgram(after: image("pump@sha256:1"), hash: nil) == nil)
    #expect(image("doer").lostProgram(after: doer("a"), hash: nil) == nil)
    #expect(doer("a").lostProgram(after: doer("a"), hash: nil) == nil, "it is a part of the daemon")
  }

  // MARK: The end of a trial

  @Test func aVersionIsNotProvenByAnEmergencyStop() throws {
    try world.agents.register(doer("a") { $0.version = "1.0.0" })
    let answer = replace(doer("a") { $0.version = "2.0.0" }, trial: .seconds(5))
    world.wait(.seconds(1))
    world.agents.isPaused = true
    world.wait(.seconds(5))
    #expect(
      answer.refusal?.description == "version 2.0.0 of agent 'a' is not proven: an emergency stop was in force during "
        + "the trial; version 1.0.0 is back")
    #expect(version() == "1.0.0" && kept == ["1.0.0"])
  }

  /// A refusal is no failure of the agent, which counts none: it never ran all the same.
  @Test func aVersionWhoseStartIsRefusedMakesRoomForTheFormerOne() throws {
    world.agents.quarantines = keeper
    try world.agents.register(slowAgent("a") { $0.version = "1.0.0" })
    _ = try world.agents.spawnAgent("a", cause: nil)
    let answer = replace(
      slowAgent("a") {
        $0.version = "2.0.0"
        $0.runtime.entry = "refused"
      }, trial: .seconds(5))
    world.slow.instances.first?.end()
    world.wait(.seconds(6))
    #expect(answer.refusal?.description.hasSuffix("its start was refused; version 1.0.0 is back") == true)
    #expect(version() == "1.0.0" && kept == ["1.0.0"])
    #expect(try world.state("a") == .ready)
  }

  @Test func withoutAFormerOneNothingIsLeft() throws {
    world.agents.quarantines = keeper
    let answer = replace(doer("a") { $0.policy = Policy(maxRestarts: 0) }, trial: .seconds(5))
    try world.agents.wakeAgent("a", with: world.emit("do:fail"))
    world.wait(.seconds(1))
    #expect(version() == nil && keeper.kept.isEmpty && kept.isEmpty)
    #expect(answer.refusal?.description.hasSuffix("there was none before, and there is none now") == true)
  }

  @Test func aFormerOneThatWasInQuarantineIsThereAgain() throws {
    world.agents.quarantines = keeper
    try world.agents.register(doer("a") { $0.version = "1.0.0" })
    keeper.kept["a"] = AgentFailure(.error, "three strikes")
    let answer = replace(doer("a") { $0.version = "2.0.0" }, trial: .seconds(5))
    try world.agents.wakeAgent("a", with: world.emit("do:fail"))
    world.wait(.seconds(1))
    #expect(answer.refusal != nil && version() == "1.0.0")
    #expect(try world.state("a") == .quarantined && keeper.kept["a"]?.message == "three strikes")
  }
}

/// Quarantines in memory.
private final class Quarantines: QuarantineStore {
  var kept: [AgentID: AgentFailure] = [:]
  func quarantine(of agent: AgentID) -> AgentFailure? { kept[agent] }
  func quarantine(_ agent: AgentID, for failure: AgentFailure) { if kept[agent] == nil { kept[agent] = failure } }
  func release(_ agent: AgentID) { kept[agent] = nil }
}
