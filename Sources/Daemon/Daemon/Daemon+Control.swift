import Agent
import AgentProcess
import Control
import Footprint
import GuardianClient
import Linux
import Model
import Orchestrator

// The daemon as the control plane sees it.
extension Daemon: DaemonControl {
  var version: String { Release.version }

  func status() -> Fields {
    var status: Fields = [
      "board": .string(configuration.board.name),
      "backend": .string(configuration.board.backend.rawValue),
      "home": .string(configuration.settings.home),
      "guardian": .string(guardian?.status ?? "off"), "clock": clockStatus,
    ]
    if arguments.simulates { status["simulated"] = "every device, by --simulate: no hardware is used" }
    if let problem = registry.problem { status["not_kept"] = .string(problem) }
    if let problem = core.stops?.problem {
      let what = hardware.emergencyStop == nil ? "the stop is over, and would be back" : "the stop would be over"
      status["emergency_stop_not_kept"] = .string("\(what) after a restart, until it can be written: \(problem)")
    }
    for (name, value) in vitals.status { status[name] = value }
    if let usage = ResourceUsage.ofThisProcess() {
      status["memory"] = ["pss_kib": .int(usage.pss), "private_dirty_kib": .int(usage.privateDirty)]
      status["threads"] = .int(usage.threads)
      status["descriptors"] = .int(usage.descriptors)
    }
    status["docker"] = configuration.settings.docker.map { .string($0) }
    return status
  }

  func history(_ agent: AgentID?, last: Int, _ done: @escaping (Result<[Fields], AgentControlError>) -> Void) {
    registry.history(agent, last: last) { result in
      done(result.map { $0.map(\.fields) }.mapError { .storage($0.message) })
    }
  }

  func probeLimits(_ done: @escaping (Fields) -> Void) -> Bool {
    guard probes == nil else { return false }
    let settings = configuration.settings
    let hidden =
      [settings.socket, GuardianLink.path(beside: settings.socket), settings.home] + [settings.docker].compactMap { $0 }
    let probes = LimitProbes(loop, launcher, hidden: hidden, docker: settings.docker)
    self.probes = probes
    return probes.run { [unowned self] report in
      loop.later { [unowned self] in self.probes = nil }
      done(report.fields)
    }
  }

  func problems(inRules text: String) -> [Diagnostic] {
    configuration.problems(inRules: text, agents: agents.listAgents().map(\.id))
  }

  func files() -> [Fields] {
    let settings = configuration.settings
    return ([("board", settings.board)] + settings.rules.map { ("rules", $0) }).map { kind, file in
      var fields: Fields = ["kind": .string(kind), "file": .string(file)]
      do throws(SystemError) {
        fields["text"] = .string(String(decoding: try Files.read(file, limit: 128 << 10), as: UTF8.self))
      } catch {
        fields["error"] = .string(SystemError.text(error.errno))
      }
      return fields
    }
  }

  func stop() { loop.later { [self] in end() } }

  func reload() throws(Diagnostics) -> Fields { try reloadAll() }
}
