import Agent
import AgentProcess
import Linux
import Model
import OpenStarryAgent
import ProcessTestKit
import Testing

/// Who runs containers.
enum ContainerEngineKind: CaseIterable, Sendable {
  case podman
  case docker

  /// Those of this machine.
  static let here = allCases.filter { $0.absence == nil }

  private var absence: String? { self == .podman ? ContainerRoom.absence : DockerRoom.absence }
}

/// One agent in a real container, and what it did.
class ContainerAgentCase {
  let room: ContainerRoom
  let host = RecordingHost()
  var started: Result<any AgentInstance, AgentFailure>?
  var ends: [AgentEnd] = []
  var activations: [Result<Void, AgentFailure>] = []

  /// - Parameters:
  ///   - socket: that of the Docker engine; nil for the shared one.
  ///   - door: where agents in its containers find their sockets; nil for a folder of this case.
  ///   - patience: how long the launcher may take for an answer.
  init(
    _ engine: ContainerEngineKind, socket: String? = nil, door: String? = nil, patience: Duration = .seconds(60)
  ) throws {
    var limits = ProcessLimits.container
    limits.start = .seconds(120)
    limits.sampling = .milliseconds(100)
    room = try ContainerRoom(
      limits: limits, docker: engine == .docker ? socket ?? DockerRoom.socket : nil, door: door,
      patience: patience)
  }

  func start(_ script: String, _ change: (inout Manifest) -> Void = { _ in }) throws {
    var manifest = room.manifest(script)
    change(&manifest)
    started = nil
    room.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] in
      started = $0
    }
    room.run { started != nil }
  }

  func startReady(_ script: String, _ change: (inout Manifest) -> Void = { _ in }) throws {
    try start("\(ContainerRoom.ready); \(script)", change)
    #expect(instance != nil, "\(startFailure as Any)")
  }

  var instance: (any AgentInstance)? { if case .success(let instance) = started { instance } else { nil } }
  var startFailure: AgentFailure? { if case .failure(let failure) = started { failure } else { nil } }

  func activate() {
    instance?.activate(Event(id: ULID(high: 1, low: 1), type: "test:event", trace: ULID(high: 1, low: 1))) {
      [unowned self] in activations.append($0)
    }
  }

  func stop(now: Bool) {
    var isStopped = false
    instance?.stop(now: now) { isStopped = true }
    room.run { isStopped }
    #expect(isStopped && ends.isEmpty)
  }

  static func processes(with text: String) -> [Int32] {
    let wanted = Array(text.utf8)
    return ((try? Files.names(in: "/proc")) ?? []).compactMap(Int32.init).filter { process in
      ((try? Files.read("/proc/\(process)/cmdline")) ?? []).starts(with: wanted)
    }
  }

  /// The names of a process and of all its descendants.
  static func names(below process: Int32) -> [String] {
    func text(_ file: String) -> String {
      String(decoding: (try? Files.read("/proc/\(process)/\(file)")) ?? [], as: UTF8.self)
    }
    let children = text("task/\(process)/children").split(separator: " ").compactMap { Int32($0) }
    return text("comm").split(separator: "\n").map(String.init) + children.flatMap { names(below: $0) }
  }
}
