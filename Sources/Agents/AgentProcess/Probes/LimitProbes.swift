import EventLoop
import Launcher
import LauncherClient
import Linux
import Model

/// Proves the limits of sandboxed agents: runs one probe after the other through the launcher and in the sandbox that
/// agents have. Loop thread only.
package final class LimitProbes {
  private let loop: EventLoop
  private let launcher: LauncherLink
  private let hidden: [String]
  private let docker: String?
  private var engine: EngineProbe.Answer?
  private let system: SystemFiles
  private var current: ProbeRun?
  private var results: [ProbeResult] = []
  private var left: ArraySlice<LimitProbe> = []
  private var began: Instant
  private var done: ((ProbeReport) -> Void)?

  /// Starts nothing yet.
  /// - Parameters:
  ///   - launcher: that of the agents.
  ///   - hidden: files and folders of the daemon, which no agent sees.
  ///   - docker: the socket of the Docker engine that runs containers, which is asked for its version; nil for podman.
  package init(
    _ loop: EventLoop, _ launcher: LauncherLink, hidden: [String], docker: String? = nil,
    system: SystemFiles = SystemFiles()
  ) {
    self.docker = docker
    self.loop = loop
    self.launcher = launcher
    self.hidden = hidden
    self.system = system
    began = loop.now
  }

  /// Runs all probes.
  /// - Parameter done: called once, later.
  /// - Returns: false when they run already; `done` is not called then.
  package func run(_ done: @escaping (ProbeReport) -> Void) -> Bool {
    guard self.done == nil else { return false }
    self.done = done
    results = []
    engine = nil
    began = loop.now
    if let obstacle {
      loop.later { [weak self] in self?.finish(obstacle) }
    } else {
      left = LimitProbe.allCases[...]
      next()
    }
    return true
  }

  /// Why no sandbox can be made, as far as it can be seen from here; nil for nothing.
  private var obstacle: String? {
    if let absence = launcher.absence { return absence }
    if Sandbox.filter(of: manifest(for: .isolation)) == nil {
      return "openstarry-agent.bpf, the seccomp filter of agents, is not installed beside openstarry-launcher"
    }
    if !Files.isFile(Sandbox.bubblewrap) { return "bubblewrap is not installed: install the package 'bubblewrap'" }
    guard launcher.hasOwnUser, let obstacle = Access.obstacle(to: system.stage) else { return nil }
    return "agents run as a user of their own, who may not use openstarry-launcher: \(obstacle)"
  }

  private func manifest(for probe: LimitProbe) -> Manifest {
    Manifest(
      id: "probe", name: "probe",
      runtime: .init(driver: .process, entry: system.stage, arguments: probe.arguments), file: system.stage)
  }

  private func next() {
    guard let probe = left.popFirst() else { return finish(nil) }
    let sandbox = Sandbox(
      manifest(for: probe), program: system.stage, plugins: [], hidden: hidden, tasks: LimitProbe.tasksLimit,
      system: system)
    current = ProbeRun(probe, sandbox, on: loop, launcher) { [weak self] in self?.take(probe, $0) }
  }

  private func take(_ probe: LimitProbe, _ trace: ProbeTrace) {
    let found = probe.verdict(trace, launcher.facts?.controllers ?? [])
    // The first probe only looks around: if it cannot, no sandbox can be made.
    if probe == .isolation, let first = found.first, first.outcome == .notRun { return finish(first.text) }
    results += found
    // Not from within the end of the last one.
    loop.later { [weak self] in self?.next() }
  }

  private func finish(_ obstacle: String?) {
    current = nil
    if let docker, engine == nil, launcher.absence == nil {
      let probe = EngineProbe(loop, launcher, socket: docker, system: system)
      return probe.run { [weak self] in
        self?.engine = $0
        self?.finish(obstacle)
      }
    }
    let report = ProbeReport(
      obstacle: obstacle, launcher: launcher.facts, results: results, engine: engine, took: loop.now - began)
    let done = done.take()
    done?(report)
  }
}

/// What all probes have shown.
package struct ProbeReport: Sendable {
  /// Why no sandbox can be made here, and so no probe has run; nil when they have.
  package var obstacle: String?
  /// What the launcher has found; nil when it has not run.
  package var launcher: LauncherFacts?
  /// One for each limit.
  package var results: [ProbeResult]
  /// The Docker engine that runs containers; nil for podman.
  package var engine: EngineProbe.Answer?
  /// How long it took.
  package var took: Duration

  /// For the control protocol.
  package var fields: Fields {
    var fields: Fields = [
      "obstacle": obstacle.map { .string($0) } ?? .null, "limits": .list(results.map { .map($0.fields) }),
      "took_ms": .int(took.nanoseconds / 1_000_000), "launcher": .null,
      "engine": engine?.fields ?? .null,
    ]
    if let launcher {
      let names: [(LauncherFacts.Controllers, String)] = [
        (.groups, "groups"), (.memory, "memory"), (.cpu, "cpu"), (.pids, "pids"),
      ]
      fields["launcher"] = [
        "uid": .int(Int64(launcher.uid)), "landlock": .int(Int64(launcher.landlock)),
        "controllers": .list(names.filter { launcher.controllers.contains($0.0) }.map { .string($0.1) }),
      ]
    }
    return fields
  }
}
