import CLinux
import Control
import EventLoop
import GuardianClient
import HAL
import Linux
import Model
import Vitals

// Signals, and the end in order.
extension Daemon {
  /// How long the end waits for outputs that refuse. All of the end stays well within the unit's `TimeoutStopSec=`.
  private static let patience = Duration.seconds(3)

  /// Ends agents, then outputs, then the registry, then the socket.
  func end() {
    stopRequested = true
    guard isServing, !isStopping else { return }
    isStopping = true
    serviceManager.stopping()
    vitals.stop()
    let onSafe = { [unowned self] (refusals: [Hardware.Refusal]) in
      leave(refusals)
      runLedger.noteEnd(after: loop.now - started)
    }
    core.end(within: Self.patience, onSafe: onSafe) { [unowned self] in
      control?.stop()
      log.publish(SystemEvents.stopped(), from: "system")
      loop.stop()
    }
  }

  func catchSignals() throws(SystemError) {
    // Caught and dropped, so that a write to a closed pipe returns an error instead of ending the daemon.
    try loop.onSignal(SIGPIPE) {}
    // Likewise a write beyond the file size limit (RLIMIT_FSIZE).
    try loop.onSignal(SIGXFSZ) {}
    try loop.onSignal(SIGTERM) { [unowned self] in end() }
    try loop.onSignal(SIGINT) { [unowned self] in
      // The second Ctrl-C waits for nothing: it makes the outputs safe and exits.
      if isStopping {
        hardware.end(.safe, within: .zero) { [unowned self] in leave($0) }
        vitals.end()
        exit(130)
      }
      end()
    }
    try loop.onSignal(SIGHUP) { [unowned self] in
      guard isServing else { return }
      do { _ = try reloadAll() } catch { journal.log(.error, "\(error)\nthe agents and rules in force stay") }
    }
  }

  /// Ends the guardian, or leaves it running for outputs that refuse, and reports for each such output what happens to
  /// it now.
  func leave(_ refusals: [Hardware.Refusal]) {
    let kept = refusals.map(\.device).filter { guardian?.keeps($0) ?? false }
    guardian?.end(leaving: kept)
    if case .left(let pid)? = guardian?.state, let driven = guardian?.keptDriven, !driven.isEmpty {
      let names = driven.map(\.rawValue).joined(separator: ", ")
      journal.log(.notice, "safe and driven on by the guardian (process \(pid)) until the next start: \(names)")
    }
    for refusal in refusals {
      let (id, text) = (refusal.device, "NOT SAFE: \(refusal.why)")
      if case .left(let pid)? = guardian?.state, kept.contains(id) {
        journal.log(
          .error, "\(text); its guardian (process \(pid)) tries again until it is, or until the daemon is started")
      } else if refusal.isGone {
        journal.log(.warning, "\(text); nobody can reach '\(id)' before it is back and the daemon is started")
      } else {
        journal.log(.error, "\(text); nobody tries again: start the daemon, or run 'openstarryd --make-safe'")
      }
    }
    // A missing device does not count as a failed end.
    notSafe = refusals.filter { !$0.isGone }.map(\.device)
  }
}
