import CCurl
import CLinux
import Companion
import Curl
import LanguageModel
import Linux

/// The process that makes requests to language-model servers. It has the network and the keys and nothing else, and ends
/// with the daemon. One thread waits and moves bytes; libcurl looks names up in others.
final class ModelProcess {
  private typealias DaemonPacket = Packet<LanguageModelMessage>

  /// Private memory: 16 calls with an event of 1 MiB each, read as JSON one after the other, take less. Under systemd the
  /// unit's MemoryMax= is lower, and counts the pages that are used.
  private static let memory: UInt64 = 192 << 20

  /// What the unit says: where its credentials are, a certificate authority of its own.
  static let environment = Environment.current()

  private let daemon: Int32
  private let signals: Int32
  private var curl: (library: Curl, transfers: MultiHandle)?
  private var transfers: [UInt32: Transfer] = [:]
  /// What the daemon has not read yet.
  var outbox = Outbox()

  /// Serves one daemon until its connection ends.
  static func main() -> Never {
    Companion.dropRoot(to: "openstarry-model", program: "openstarry-model")
    let process = ModelProcess(Companion.connection(program: "openstarry-model"))
    while true { process.turn() }
  }

  private init(_ daemon: Int32) {
    self.daemon = daemon
    _ = openstarry_fcntl(daemon, F_SETFL, O_NONBLOCK)
    _ = openstarry_fcntl(daemon, F_SETFD, 1)
    signals = Companion.signals([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ])
    openstarry_renounce(256, Self.memory)
    Companion.releaseStandardStreams()
  }

  /// Reads a date of HTTP.
  func date(_ text: [UInt8]) -> Int64? { curl?.library.date(text) }

  // MARK: Waiting

  private func turn() {
    speak()
    wait()
    hearDaemon()
    takeSignals()
    for transfer in Array(transfers.values) where transfer.canResume { transfer.resume() }
    speak()
    perform()
    expire()
  }

  private func wait() {
    var watched = [curl_waitfd(), curl_waitfd()]
    watched[0].fd = daemon
    // CURL_WAIT_POLLIN, CURL_WAIT_POLLOUT.
    watched[0].events = outbox.isEmpty ? 1 : 5
    watched[1].fd = signals
    watched[1].events = 1
    if let curl {
      guard curl.transfers.poll(&watched, patience) else { exit(71) }
      return
    }
    var plain = watched.map { pollfd(fd: $0.fd, events: Int16($0.events == 5 ? POLLIN | POLLOUT : POLLIN), revents: 0) }
    // SAFETY: the array is valid for its count.
    guard unsafe poll(&plain, 2, patience) >= 0 || openstarry_errno() == EINTR else { exit(71) }
  }

  /// How long nothing happens by itself, in milliseconds.
  private var patience: Int32 {
    if transfers.values.contains(where: \.canResume) { return 0 }
    guard let next = transfers.values.map(\.deadline.time).min() else { return 1_000_000_000 }
    let now = Companion.monotonicNow()
    return next <= now ? 0 : Int32(min(1_000_000_000, (next - now) / 1_000_000 + 1))
  }

  private func expire() {
    let now = Companion.monotonicNow()
    for transfer in Array(transfers.values) where transfer.deadline.time <= now {
      transfer.expire()
      remove(transfer)
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
      case .message(.ask(let id, let request)): ask(id, request, packet.take(0))
      case .message(.cancel(let id)): cancel(id)
      case .message: break
      }
      packet.closeRest()
    }
  }

  /// Sends what the daemon takes, and begins the calls that it knows to be accepted: if this process ends, the daemon
  /// charges for these and no others.
  private func speak() {
    outbox.flush(send)
    for transfer in Array(transfers.values) where !transfer.isBegun && outbox.count(of: transfer.id) == 0 {
      begin(transfer)
    }
  }

  /// Says something to the daemon, as soon as it reads.
  func tell(_ id: UInt32, _ message: LanguageModelMessage) { outbox.add(id, message) }

  private func send(_ message: LanguageModelMessage) -> Bool {
    if DaemonPacket.send(daemon, message) { return true }
    guard openstarry_errno() == EAGAIN else { exit(0) }
    return false
  }

  // MARK: Calls

  private func ask(_ id: UInt32, _ request: LanguageModelRequest, _ descriptor: Int32) {
    do throws(LanguageModelFailure) {
      let body = try RequestBody(closing: descriptor)
      guard transfers[id] == nil else {
        throw LanguageModelFailure(.invalid, wasSent: false, "there is a call with this number already")
      }
      guard transfers.values.count(where: \.isCall) < LanguageModelRequest.mostCalls else {
        throw LanguageModelFailure(
          .tooMany, wasSent: false,
          "\(LanguageModelRequest.mostCalls) calls of language models are being made; further ones have to wait")
      }
      transfers[id] = try Transfer(id, request, body, for: self, try loadedCurl().library)
      tell(id, .accepted(id: id))
    } catch {
      tell(id, .failed(id: id, error))
    }
  }

  private func begin(_ transfer: Transfer) {
    guard let curl else { return }
    do throws(LanguageModelFailure) { try transfer.begin(curl.transfers) } catch {
      transfers[transfer.id] = nil
      tell(transfer.id, .failed(id: transfer.id, error))
    }
  }

  private func loadedCurl() throws(LanguageModelFailure) -> (library: Curl, transfers: MultiHandle) {
    if let curl { return curl }
    do throws(Curl.Absence) {
      let library = try Curl.load()
      let transfers = try MultiHandle(library)
      curl = (library, transfers)
      return (library, transfers)
    } catch {
      throw LanguageModelFailure(.absent, wasSent: false, "language models: \(error)")
    }
  }

  private func cancel(_ id: UInt32) {
    outbox.drop(id)
    if let transfer = transfers[id] { remove(transfer) }
  }

  /// Ends a transfer. Its connection is closed unless the response was whole.
  private func remove(_ transfer: Transfer) {
    guard let curl, transfers.removeValue(forKey: transfer.id) != nil, transfer.isBegun else { return }
    curl.transfers.remove(transfer.handle)
  }

  private func perform() {
    guard let curl else { return }
    let isAlive = curl.transfers.perform { isIt, code in
      guard let transfer = transfers.values.first(where: { isIt($0.handle) }) else { return }
      transfer.ended(code)
      remove(transfer)
    }
    guard isAlive else { exit(70) }
  }
}
