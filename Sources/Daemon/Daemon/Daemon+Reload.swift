import Agent
import Model
import Orchestrator
import Vitals

// Reading the configuration again.
extension Daemon {
  /// Reads manifests and rules again. An error in any file changes nothing. A running agent keeps its manifest; a reload
  /// after its end applies the new one.
  /// - Returns: how many agents changed, which did not and why, and how many rules there are.
  /// - Throws: all errors of all files, or that the daemon is in safe mode.
  func reloadAll() throws(Diagnostics) -> Fields {
    try Self.refuse(in: vitals)
    serviceManager.reloading(at: loop.now)
    defer { serviceManager.ready(summary) }
    let found = configuration.agents(journal)
    guard found.problems.isEmpty, found.folders.isEmpty else { throw Diagnostics(found.folders + found.problems) }
    let checked = try configuration.rules(journal)
    var replaced = 0
    var new: [AgentID] = []
    var left: [AgentID] = []
    var broken: [(String, Value)] = []
    for manifest in found.usable {
      if agents.isRegistered(manifest) { continue }
      if !agents.isRegistered(manifest.id) { new.append(manifest.id) }
      do {
        try agents.adopt(manifest, state: agents.durableState(manifest.id))
        replaced += 1
      } catch {
        journal.log(.warning, "\(manifest.file): not replaced: \(error)")
        switch error {
        case .stillRunning, .alreadyRunning, .draining: left.append(manifest.id)
        default: broken.append((manifest.id.rawValue, .string(error.reason)))
        }
        agents.leaveOut(manifest.id, error.reason, isDeclared: true)
      }
    }
    agents.forgetUndeclared(except: Set(found.usable.map(\.id)))
    if replaced > 0 { agents.warnOfParents() }
    let count = rules.enforce(checked)
    agents.startResident(new)
    return [
      "agents_changed": .int(Int64(replaced)), "not_replaced": .list(left.map { .string($0.rawValue) }),
      "cannot_run": .map(Fields(uniquePairs: broken)), "rules": .int(Int64(count)),
    ]
  }

  /// - Throws: that the daemon is in safe mode.
  static func refuse(in vitals: Vitals) throws(Diagnostics) {
    guard let reason = vitals.safeMode else { return }
    throw Diagnostics([
      Diagnostic(
        Location(file: "openstarryd"),
        "is in safe mode, as \(reason); 'openstarry daemon leave-safe-mode' reads everything and goes on")
    ])
  }
}
