import Agent
import Control
import Document
import GuardianClient
import Model
import Orchestrator
import Store

extension GuardianLink: DaemonCoreGuardian {}

// What the core asks of the daemon.
extension Daemon: DaemonCoreOwner {
  var safeMode: String? { vitals.safeMode }

  func manifests() -> [Manifest] {
    let found = configuration.agents(journal)
    for problem in found.folders { journal.log(.error, "'agents': \(problem)") }
    for problem in found.problems {
      journal.log(.error, "\(problem)\n\(problem.location.file): this agent is left out; the others go on")
    }
    for (agent, why) in found.unusable { agents.leaveOut(agent, why, isDeclared: true) }
    return found.usable
  }

  func manifest(of kept: StoredAgent) -> Manifest? {
    do { return try configuration.manifest(text: JSON.encode(kept.manifest), file: kept.file) } catch {
      journal.log(.error, "registered agent '\(kept.id)' is left out:\n\(error)")
      agents.leaveOut(
        kept.id, error.all.first.map { "\($0)" } ?? "its manifest cannot be read", isDeclared: false)
      return nil
    }
  }

  func readLate(_ kept: StoredRegistry.Contents) {
    rules.boardClock.lastStored = kept.lastOfDaemon?.time ?? 0
    for notice in kept.notices { journal.log(.warning, notice) }
  }

  func failed(_ problem: String) { journal.log(.error, problem) }
}
