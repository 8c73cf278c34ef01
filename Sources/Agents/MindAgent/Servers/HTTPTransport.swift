import CCurl
import Curl
import Linux

/// A server that is reached by HTTP: each message is a POST, whose response is a message, an event stream of messages, or
/// nothing (modelcontextprotocol.io, "Transports": Streamable HTTP).
///
/// The mind's sandbox has no network of its own: libcurl finds the daemon's proxy in the environment, and that lets only
/// the hosts of the manifest pass.
final class HTTPTransport: ServerTransport {
  private let url: String
  private var connection: (library: Curl, transfers: MultiHandle)?
  private var exchanges: [HTTPExchange] = []
  private var messages: [[UInt8]] = []
  /// What the server calls this conversation, up to 2025-11-25.
  private var session: String?

  /// - Parameter url: http or https.
  init(_ url: String) { self.url = url }

  var isOpen: Bool { connection != nil }

  func open() throws(TransportFailure) {
    do throws(Curl.Absence) {
      let library = try Curl.load()
      connection = (library, try MultiHandle(library))
    } catch { throw .ended("cannot be reached: \(error)") }
  }

  func close() {
    for exchange in exchanges { connection?.transfers.remove(exchange.handle) }
    (exchanges, messages, session, connection) = ([], [], nil, nil)
  }

  func send(_ message: ClientMessage, until deadline: UInt64) throws(TransportFailure) {
    guard let connection else { throw .ended("is not connected") }
    let exchange: HTTPExchange
    do throws(Curl.Absence) {
      exchange = try HTTPExchange(connection.library, url, message, session: session)
      try connection.transfers.add(exchange.handle)
    } catch { throw .ended("cannot be reached: \(error)") }
    exchanges.append(exchange)
    // Two requests may overtake each other, and what comes after a notification may depend on it.
    while !message.isRequest, exchanges.contains(where: { $0 === exchange }) {
      try wait(connection.transfers, until: deadline)
    }
  }

  func receive(until deadline: UInt64) throws(TransportFailure) -> [UInt8] {
    while messages.isEmpty {
      guard let connection else { throw .ended("is not connected") }
      guard !exchanges.isEmpty else { throw .ended("has answered without a message") }
      try wait(connection.transfers, until: deadline)
    }
    return messages.removeFirst()
  }

  /// Waits until something comes, and takes it over.
  private func wait(_ transfers: MultiHandle, until deadline: UInt64) throws(TransportFailure) {
    let now = System.monotonicNanoseconds()
    guard now < deadline else {
      // The server may stop working on what nobody waits for.
      for exchange in exchanges { transfers.remove(exchange.handle) }
      exchanges = []
      throw .late
    }
    var others: [curl_waitfd] = []
    guard transfers.poll(&others, Int32(clamping: (deadline - now) / 1_000_000 + 1)) else {
      throw .ended("cannot be waited for")
    }
    try perform(transfers)
  }

  /// Moves bytes, and takes over what has come.
  private func perform(_ transfers: MultiHandle) throws(TransportFailure) {
    var failure: TransportFailure?
    let isAlive = transfers.perform { isIt, code in
      guard let index = exchanges.firstIndex(where: { isIt($0.handle) }) else { return }
      let exchange = exchanges.remove(at: index)
      transfers.remove(exchange.handle)
      messages += exchange.messages
      do throws(TransportFailure) { messages += try exchange.end(code) } catch { failure = failure ?? error }
      if let session = exchange.session { self.session = session }
    }
    guard isAlive else { throw .ended("cannot be reached: libcurl has failed") }
    for exchange in exchanges { messages += exchange.takeMessages() }
    if messages.isEmpty, let failure { throw failure }
  }
}
