import Agent
import EventLoop
import Glibc
import Linux
import Model
import Proxy
import ProxyClient
import Wire

/// The network of an agent: takes the listening socket that the last step of the sandbox passes out, gives it to the
/// proxy, and writes into the agent's log what the proxy reports.
final class AgentNetwork {
  /// The port on the sandbox's own loopback.
  static let port: UInt16 = 3128
  /// The variables that tell programs of the proxy. Names are resolved by the proxy, not by the agent (socks5h).
  static let environment: [String] = {
    let (http, socks) = ("http://127.0.0.1:\(port)", "socks5h://127.0.0.1:\(port)")
    return [("HTTP_PROXY", http), ("HTTPS_PROXY", http), ("ALL_PROXY", socks), ("NO_PROXY", "")].flatMap {
      ["\($0)=\($1)", "\($0.lowercased())=\($1)"]
    }
  }()

  private let loop: EventLoop
  private let proxy: ProxyLink
  private let hosts: [String]
  private let log: (LogLevel, String) -> Void
  private var ours: Descriptor?
  private var theirs: Descriptor?
  private var watch: WatchID?
  private var id: UInt32?

  /// - Parameter hosts: the entries of `network_allow_hosts`.
  init(
    _ hosts: [String], proxy: ProxyLink, on loop: EventLoop, log: @escaping (LogLevel, String) -> Void
  ) throws(SystemError) {
    let ends = try UnixSocket.pair()
    ours = Descriptor(owning: ends.0)
    theirs = Descriptor(owning: ends.1)
    self.hosts = hosts
    self.proxy = proxy
    self.loop = loop
    self.log = log
  }

  /// The sandbox's end, through which the listening socket comes; -1 once it is closed.
  var door: Int32 { theirs?.number ?? -1 }

  /// Closes the sandbox's end, which the launcher has by now.
  func closeDoor() { theirs = nil }

  /// Waits for the listening socket.
  func start() throws(SystemError) {
    guard let number = ours?.number else { return }
    try System.setNonBlocking(number)
    watch = try loop.watch(number, for: .readable) { [weak self] _ in self?.receive() }
  }

  /// Ends the agent's connections.
  func close() {
    stopWatching()
    if let id = id.take() { proxy.drop(id) }
  }

  private func stopWatching() { if let watch = watch.take() { loop.unwatch(watch) } }

  /// One byte with the socket. Without it the sandbox has failed, and the agent's end tells why.
  private func receive() {
    guard let number = ours?.number, let (_, descriptor) = try? UnixSocket.receive(number) else { return }
    stopWatching()
    ours = nil
    guard let descriptor else { return }
    id = proxy.allow(Descriptor(owning: descriptor), hosts) { [weak self] in self?.take($0) }
  }

  private func take(_ news: ProxyLink.News) {
    switch news {
    case .report(let report):
      log(report.outcome == .connected ? .info : .warning, "network: \(Self.sentence(report).asMessage)")
    case .more(let opened, let failed):
      log(
        failed > 0 ? .warning : .info,
        "network: \(opened) more connections and \(failed) more attempts that failed")
    case .lost(let reason): log(.warning, "network: the proxy is gone, and all connections with it: \(reason)")
    }
  }

  /// What the log says about an attempt to connect.
  static func sentence(_ report: ProxyReport) -> String {
    let host = String(decoding: report.host, as: UTF8.self)
    let address = String(decoding: report.address, as: UTF8.self)
    let place = "\(host):\(report.port)"
    let at = address.isEmpty ? "" : " (\(address))"
    switch report.outcome {
    case .connected: return "connected to \(place)\(at)"
    case .notListed: return "refused \(place), which is not in network_allow_hosts"
    case .notPublic:
      let entry = address.contains(":") ? "[\(address)]:\(report.port)" : "\(address):\(report.port)"
      return "refused \(place), which leads to \(address): an address that is not public has to be in "
        + "network_allow_hosts itself, as \(entry)"
    case .noSuchName: return "there is no host \(host)"
    case .noNameService: return "the name service does not answer for \(host)"
    case .unreachable: return "\(place)\(at) cannot be reached: \(SystemError.text(report.errno))"
    case .timedOut: return "\(place)\(at) does not answer"
    case .notUnderstood: return "refused a request that is neither HTTP for a proxy nor SOCKS 5"
    case .tooMany: return "it has as many connections as it may have; further ones wait"
    }
  }
}
