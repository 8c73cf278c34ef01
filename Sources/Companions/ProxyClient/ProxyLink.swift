import CompanionClient
import EventLoop
import Linux
import Model
import Proxy

/// The daemon's connection to the proxy: starts it or connects to it for the first agent with the network, and lets it go
/// when the last one has ended. If it dies it is started again and gets all listening sockets again. Loop thread only.
package final class ProxyLink {
  /// What an agent's log should tell.
  package enum News: Equatable {
    case report(ProxyReport)
    /// Connections made and attempts failed beyond those that are reported.
    case more(opened: UInt32, failed: UInt32)
    /// Its connections have ended with the proxy, which is started again.
    case lost(String)
  }

  private final class Agent {
    let listener: Descriptor
    let hosts: [[UInt8]]
    let tell: (News) -> Void

    init(_ listener: consuming Descriptor, _ hosts: [[UInt8]], _ tell: @escaping (News) -> Void) {
      self.listener = listener
      self.hosts = hosts
      self.tell = tell
    }
  }

  private let companion: CompanionLink<ProxyMessage>
  private var agents: [UInt32: Agent] = [:]
  private var lastID: UInt32 = 0
  /// The proxy's process, if this daemon has started it and it runs.
  package var process: Int32? { companion.process }

  /// Starts nothing yet.
  /// - Parameters:
  ///   - socket: where systemd listens for the proxy. nil, or a path where nothing listens: the daemon starts the program
  ///     itself.
  ///   - program: the proxy's program; nil when it is not installed.
  package init(
    _ loop: EventLoop, socket: String? = Environment.current()[ProxyLink.variable],
    program: String? = CompanionProgram.find("openstarry-proxy")
  ) {
    companion = CompanionLink(CompanionStart("openstarry-proxy", socket: socket, program: program), on: loop)
    companion.handlers = .init(
      hear: { [weak self] in self?.hear($0) }, lost: { [weak self] in self?.lose($0) },
      opened: { [weak self] in self?.handAll() },
      failed: { [weak self] in self?.lose("it cannot be started: \($0)") })
  }

  /// The variable with the path of the proxy's socket, which the daemon's unit sets.
  package static let variable = "OPENSTARRY_PROXY"

  /// Why no agent could have the network here; nil when one could.
  package var absence: String? {
    guard companion.start.isAbsent else { return nil }
    return "openstarry-proxy is not installed beside the daemon, so agents with network_allow_hosts cannot run"
  }

  /// Whether the proxy can be told these entries: there may be too many.
  package static func takes(_ hosts: [String]) -> Bool {
    ProxyMessage.allow(id: 0, hosts: hosts.map { Array($0.utf8) }).bytes.count <= ProxyMessage.longest
  }

  /// Lets the proxy accept an agent's connections.
  /// - Parameters:
  ///   - listener: the agent's listening socket, kept until `drop`.
  ///   - hosts: the entries of `network_allow_hosts`.
  ///   - tell: called later, never from within this call.
  /// - Returns: the agent's number here.
  package func allow(
    _ listener: consuming Descriptor, _ hosts: [String], _ tell: @escaping (News) -> Void
  ) -> UInt32 {
    lastID &+= 1
    agents[lastID] = Agent(listener, hosts.map { Array($0.utf8) }, tell)
    if companion.isOpen { hand(lastID) }
    companion.need()
    return lastID
  }

  /// Ends an agent's connections and closes its listening socket.
  package func drop(_ id: UInt32) {
    guard agents.removeValue(forKey: id) != nil else { return }
    companion.tell(.drop(id: id), expectsAnswer: false)
    if agents.isEmpty { companion.release() }
  }

  /// Ends all connections and the proxy, and waits for nothing.
  package func close() {
    agents = [:]
    companion.close()
  }

  // MARK: Connection

  private func handAll() { for id in agents.keys.sorted() { hand(id) } }

  private func hand(_ id: UInt32) {
    guard let agent = agents[id] else { return }
    companion.tell(.allow(id: id, hosts: agent.hosts), [agent.listener.number], expectsAnswer: true)
  }

  private func hear(_ message: ProxyMessage) {
    switch message {
    case .report(let id, let report): agents[id]?.tell(.report(report))
    case .more(let id, let opened, let failed): agents[id]?.tell(.more(opened: opened, failed: failed))
    default: break
    }
  }

  private func lose(_ reason: String) {
    for (_, agent) in agents.sorted(by: { $0.key < $1.key }) { agent.tell(.lost(reason)) }
  }
}
