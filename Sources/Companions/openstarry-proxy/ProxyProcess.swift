import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Proxy
#endif

/// The process that connects agents to the hosts of their manifests. It has no privilege, and ends with the daemon.
///
/// One thread waits and moves bytes; names are looked up in others (`Resolver`).
final class ProxyProcess {
  private typealias DaemonPacket = Packet<ProxyMessage>

  /// Connections of all agents together: a bound for memory and descriptors.
  private static let most = 512
  /// Connections that one agent gets in one turn.
  private static let mostAtOnce = 16

  private let daemon: Int32
  private let signals: Int32
  private var agents: [Served] = []
  private var connections: [Connection] = []
  /// When connections are accepted again; after no descriptor was free.
  private var pauseEnd: UInt64 = 0
  /// The time of this turn (CLOCK_MONOTONIC), in nanoseconds.
  private(set) var now = Companion.monotonicNow()
  var resolver = Resolver()
  /// For bytes on their way.
  var buffer = [UInt8](repeating: 0, count: Flow.mostAtOnce)

  /// Serves one daemon until its connection ends.
  static func main() -> Never {
    Companion.dropRoot(to: "openstarry-proxy", program: "openstarry-proxy")
    let proxy = ProxyProcess(Companion.connection(program: "openstarry-proxy"))
    while true { proxy.turn() }
  }

  private init(_ daemon: Int32) {
    self.daemon = daemon
    _ = openstarry_fcntl(daemon, F_SETFL, O_NONBLOCK)
    _ = openstarry_fcntl(daemon, F_SETFD, 1)
    signals = Companion.signals([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ])
    openstarry_renounce(2048, 64 << 20)
    Companion.releaseStandardStreams()
  }

  // MARK: Waiting

  private func turn() {
    var watched: [pollfd] = []
    func watch(_ descriptor: Int32, _ events: Int16?) {
      watched.append(pollfd(fd: events == nil ? -1 : descriptor, events: events ?? 0, revents: 0))
    }
    let input = Int16(POLLIN)
    for descriptor in [daemon, signals, resolver.descriptor] { watch(descriptor, input) }
    let accepts = connections.count < Self.most && now >= pauseEnd
    for agent in agents { watch(agent.listener, accepts && !agent.isFull ? input : nil) }
    for connection in connections {
      watch(connection.client, connection.clientEvents)
      watch(connection.server, connection.serverEvents)
    }
    // SAFETY: the array is valid for its count, and the kernel fills it in.
    let count = unsafe poll(&watched, UInt(watched.count), wait)
    guard count >= 0 || openstarry_errno() == EINTR else { exit(71) }
    now = Companion.monotonicNow()
    if count > 0 { handle(watched) }
    expire()
    connections.removeAll { $0.state == .over }
  }

  /// How long nothing happens by itself, in milliseconds; -1 for ever.
  private var wait: Int32 {
    var next = UInt64.max
    for connection in connections { next = min(next, connection.deadline) }
    for agent in agents { next = min(next, agent.windowEnd ?? .max) }
    if pauseEnd > now { next = min(next, pauseEnd) }
    guard next < .max else { return -1 }
    return next <= now ? 0 : Int32(min(UInt64(Int32.max), (next - now) / 1_000_000 + 1))
  }

  private func handle(_ watched: [pollfd]) {
    // Connections and agents in the order of `watched`, so before anything comes or goes.
    var index = 3 + agents.count
    for connection in connections {
      let (client, server) = (watched[index].revents, watched[index + 1].revents)
      if client | server != 0 { connection.handle(client: client, server: server, self) }
      index += 2
    }
    for (index, agent) in agents.enumerated() where watched[3 + index].revents != 0 { accept(agent) }
    if watched[2].revents != 0 {
      for answer in resolver.take() {
        for connection in connections where connection.query == answer.query { connection.resolved(answer, self) }
      }
    }
    if watched[0].revents != 0 { hearDaemon() }
    if watched[1].revents != 0 { takeSignals() }
  }

  private func expire() {
    for connection in connections where connection.deadline <= now { connection.expire(self) }
    for agent in agents {
      guard let end = agent.windowEnd, end <= now else { continue }
      let counts = agent.closeWindow()
      if counts.opened > 0 || counts.failed > 0 {
        tell(.more(id: agent.id, opened: counts.opened, failed: counts.failed))
      }
    }
  }

  private func takeSignals() {
    while let number = Companion.nextSignal(signals) { if number == SIGTERM || number == SIGINT { exit(0) } }
  }

  // MARK: Daemon

  private func hearDaemon() {
    while true {
      var packet = DaemonPacket.receive(daemon)
      switch packet.result {
      case .nothing: return
      case .ended: exit(0)
      case .unknown: break
      case .message(let message): hear(message, &packet)
      }
      packet.closeRest()
    }
  }

  private func hear(_ message: ProxyMessage, _ packet: inout DaemonPacket) {
    switch message {
    case .allow(let id, let hosts):
      let listener = packet.take(0)
      guard listener >= 0 else { return }
      // The daemon has checked them; whatever is wrong all the same allows nothing.
      let rules = HostRules(hosts) ?? HostRules()
      drop(id)
      agents.append(Served(id: id, listener: listener, rules: rules))
      tell(.serving(id: id))
    case .drop(let id): drop(id)
    default: break
    }
  }

  private func drop(_ id: UInt32) {
    for connection in connections where connection.agent.id == id { connection.end(self) }
    connections.removeAll { $0.state == .over }
    agents.removeAll { $0.id == id }
  }

  /// - Returns: false when the daemon does not read now.
  @discardableResult
  private func tell(_ message: ProxyMessage) -> Bool {
    if DaemonPacket.send(daemon, message) { return true }
    guard openstarry_errno() == EAGAIN else { exit(0) }
    return false
  }

  /// Reports to the daemon, at a bounded rate.
  func report(_ report: ProxyReport, of agent: Served) {
    guard agent.admit(report.outcome, now) else { return }
    if !tell(.report(id: agent.id, report)) { agent.note(report.outcome) }
  }

  // MARK: Connections

  private func accept(_ agent: Served) {
    guard agent.count < Served.mostConnections else {
      // It is heard of again once a connection has ended.
      agent.isFull = true
      return report(ProxyReport(.tooMany), of: agent)
    }
    for _ in 0..<Self.mostAtOnce {
      guard connections.count < Self.most, agent.count < Served.mostConnections else { return }
      let client = openstarry_accept_tcp(agent.listener)
      guard client >= 0 else {
        let error = openstarry_errno()
        if error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM { pauseEnd = now + 100_000_000 }
        return
      }
      let connection = Connection(client, of: agent, now)
      connections.append(connection)
      // Its request is usually there already.
      connection.handle(client: Int16(POLLIN), server: 0, self)
    }
  }
}
