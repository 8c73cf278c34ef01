import Agent
import Model

/// An instance under test, with all its answers.
final class Subject {
  let host: CountingHost
  private let bench: any IsolationBench
  private(set) var instance: (any AgentInstance)?
  private(set) var startFailures: [AgentFailure] = []
  private(set) var starts = 0
  private(set) var ends: [AgentEnd] = []
  private(set) var activations: [AgentFailure?] = []
  private(set) var stops = 0
  private(set) var reports: [Value] = []

  /// Starts an agent, and waits for the driver's answer.
  /// - Parameter host: has what an earlier instance has kept; nil for one that has not run yet.
  init(_ bench: any IsolationBench, _ manifest: Manifest, host: CountingHost? = nil) {
    self.bench = bench
    let host = host ?? CountingHost()
    self.host = host
    bench.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] result in
      starts += 1
      switch result {
      case .success(let made): instance = made
      case .failure(let failure): startFailures.append(failure)
      }
    }
    bench.run { self.starts > 0 }
  }

  func activate() {
    let event = Event(id: ULID(high: 1, low: UInt64(activations.count)), type: "test:event")
    instance?.activate(event) { [unowned self] result in
      if case .failure(let failure) = result { activations.append(failure) } else { activations.append(nil) }
    }
  }

  func report() { instance?.snapshot { [unowned self] in reports.append($0) } }

  func stop(now: Bool) { instance?.stop(now: now) { [unowned self] in stops += 1 } }

  /// Waits until `isDone` is true, then for further answers, of which there should be none.
  func wait(_ isDone: () -> Bool) {
    bench.run(until: isDone)
    bench.settle()
  }
}
