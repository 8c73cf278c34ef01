extension GuardianLink {
  /// The state in a few words, for `daemon.status`.
  package var status: String {
    let again = restarts > 0 ? ", started again \(restarts) times" : ""
    return switch state {
    case .starting(let pid): "is coming up, pid \(pid)\(again)"
    case .running(let pid): "running, pid \(pid)\(again)"
    case .lost: "lost, another one is being started\(again)"
    case .missing: "missing: \(GuardianProgram.name) is not installed"
    case .ended: "ended with the daemon"
    case .left(let pid): "goes on without the daemon, pid \(pid)"
    }
  }
}
