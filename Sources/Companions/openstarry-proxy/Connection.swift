import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Proxy
#endif

/// A connection of an agent: a request, the look-up of its name, the connection to one of the addresses that were checked,
/// and then bytes in both directions.
final class Connection {
  enum State {
    case requesting, resolving, connecting, relaying
    /// The last bytes have been sent. What the agent still sends is read and dropped: closing before would discard
    /// (tcp(7)) what it has not read yet.
    case draining
    case over
  }

  enum Speech { case unknown, http, greeted }

  let agent: Served
  /// -1 once it is over: another connection may have got its number.
  private(set) var client: Int32
  private(set) var server: Int32 = -1
  private(set) var state = State.requesting
  /// When the current step fails.
  private(set) var deadline: UInt64
  /// The number of its question to the resolver.
  private(set) var query: UInt32 = 0
  private var speech = Speech.unknown
  private var input: [UInt8] = []
  private var head: RequestHead?
  private var destination: Destination?
  /// The addresses to try, the one that is tried, and when all of this fails.
  private var addresses: [IPAddress] = []
  private var address: IPAddress?
  private var limit: UInt64 = 0
  private var lastError: Int32 = 0
  private var up = Flow()
  private var down = Flow()
  /// Whether the agent has ended its output after its request.
  private var hasOutputEnded = false

  static let requestTime: UInt64 = 10_000_000_000
  static let connectTime: UInt64 = 10_000_000_000
  static let idleTime: UInt64 = 300_000_000_000
  /// The same, once the agent has ended its output after its request.
  private static let halfTime: UInt64 = 60_000_000_000
  private static let drainTime: UInt64 = 2_000_000_000

  init(_ client: Int32, of agent: Served, _ now: UInt64) {
    self.client = client
    self.agent = agent
    deadline = now + Self.requestTime
    agent.count += 1
  }

  /// Closes both sides.
  func end(_ proxy: ProxyProcess) {
    guard state != .over else { return }
    enter(.over, proxy)
    close(client)
    client = -1
    if server >= 0 { close(server) }
    server = -1
    agent.count -= 1
    agent.isFull = false
  }

  /// Goes to another state. Nobody waits for the answer to a question of the one before.
  private func enter(_ next: State, _ proxy: ProxyProcess) {
    if state == .resolving { proxy.resolver.forget(query) }
    state = next
  }

  // MARK: Waiting

  /// The events to wait for (poll(2)); nil for none, where a gone peer would wake us all the time.
  var clientEvents: Int16? {
    switch state {
    case .requesting, .draining: Int16(POLLIN)
    case .resolving, .connecting: 0
    case .relaying: events(reads: up.wantsRead || expectsEnd, writes: down.wantsWrite)
    case .over: nil
    }
  }

  var serverEvents: Int16? {
    switch state {
    case .connecting: Int16(POLLOUT)
    case .relaying: events(reads: down.wantsRead, writes: up.wantsWrite)
    default: nil
    }
  }

  private func events(reads: Bool, writes: Bool) -> Int16? {
    reads || writes ? (reads ? Int16(POLLIN) : 0) | (writes ? Int16(POLLOUT) : 0) : nil
  }

  func handle(client clientReady: Int16, server serverReady: Int16, _ proxy: ProxyProcess) {
    let isClientGone = clientReady & Int16(POLLHUP | POLLERR) != 0
    switch state {
    case .requesting: if clientReady != 0 { readRequest(proxy) }
    case .resolving: if isClientGone { end(proxy) }
    case .connecting:
      if isClientGone { return end(proxy) }
      if serverReady != 0 { connected(openstarry_connect_outcome(server), proxy) }
    case .relaying: if clientReady | serverReady != 0 { relay(proxy) }
    case .draining: if clientReady != 0 { drain(proxy) }
    case .over: break
    }
  }

  func expire(_ proxy: ProxyProcess) {
    switch state {
    case .requesting:
      if speech == .http {
        answer(HTTPAnswer(408, "the request did not come within 10 s"), .failure, proxy)
      } else {
        end(proxy)
      }
    case .resolving: fail(.timedOut, proxy)
    case .connecting: connected(ETIMEDOUT, proxy)
    case .relaying, .draining, .over: end(proxy)
    }
  }

  // MARK: Request

  private func readRequest(_ proxy: ProxyProcess) {
    let room = RequestHead.longest + 1 - input.count
    // SAFETY: the buffer has more room than that.
    let count = unsafe openstarry_receive_bytes(client, &proxy.buffer, room)
    if count < 0, openstarry_errno() == EAGAIN { return }
    guard count > 0 else { return end(proxy) }
    let known = input.count
    input += proxy.buffer[..<count]
    if speech == .unknown {
      if input[0] == Socks.version { greet(proxy) } else { speech = .http }
    }
    // The greeting may have ended it.
    guard state == .requesting else { return }
    switch speech {
    case .unknown: break
    case .http:
      switch RequestHead.read(input, known: known) {
      case .incomplete: break
      case .refused(let refusal):
        proxy.report(ProxyReport(.notUnderstood), of: agent)
        answer(refusal, .failure, proxy)
      case .head(let head, let length):
        self.head = head
        input.removeFirst(length)
        begin(head.destination, proxy)
      }
    case .greeted:
      switch Socks.request(input) {
      case .incomplete: break
      case .refused(let reply): refuse(reply, proxy)
      case .read(let destination, let length):
        input.removeFirst(length)
        begin(destination, proxy)
      }
    }
  }

  private func greet(_ proxy: ProxyProcess) {
    switch Socks.greeting(input) {
    case .incomplete: break
    case .refused(let reply): refuse(reply, proxy)
    case .read(let reply, let length):
      input.removeFirst(length)
      speech = .greeted
      if !send(reply) { end(proxy) }
    }
  }

  private func refuse(_ reply: [UInt8], _ proxy: ProxyProcess) {
    proxy.report(ProxyReport(.notUnderstood), of: agent)
    finish(reply, proxy)
  }

  // MARK: Connecting

  private func begin(_ destination: Destination, _ proxy: ProxyProcess) {
    self.destination = destination
    guard agent.rules.allow(destination) else { return fail(.notListed, proxy) }
    limit = proxy.now + Self.connectTime
    deadline = limit
    switch destination.host {
    case .address(let address):
      addresses = [address]
      connectNext(proxy)
    case .name(let name):
      enter(.resolving, proxy)
      query = proxy.resolver.ask(name, for: agent.id)
    }
  }

  /// Goes on with the addresses of the name: only with those that the agent may reach, and with these very addresses.
  func resolved(_ answer: Resolver.Answer, _ proxy: ProxyProcess) {
    guard state == .resolving, let destination else { return }
    guard let first = answer.addresses.first else {
      return fail(answer.isAbsent ? .noSuchName : .noNameService, proxy)
    }
    for address in answer.addresses where agent.rules.allow(destination, at: address) { addresses.append(address) }
    guard !addresses.isEmpty else {
      address = first
      return fail(.notPublic, proxy)
    }
    connectNext(proxy)
  }

  private func connectNext(_ proxy: ProxyProcess) {
    while !addresses.isEmpty, let destination {
      let next = addresses.removeFirst()
      address = next
      // SAFETY: the address is read during the call.
      server = unsafe openstarry_connect_tcp(next.bytes, next.bytes.count, destination.port)
      guard server >= 0 else {
        lastError = openstarry_errno()
        continue
      }
      enter(.connecting, proxy)
      // A part of the time for each, so that a dead first address does not use it up.
      let left = limit > proxy.now ? limit - proxy.now : 0
      deadline = proxy.now + left / UInt64(addresses.count + 1)
      return
    }
    fail(lastError == ETIMEDOUT ? .timedOut : .unreachable, proxy)
  }

  private func connected(_ error: Int32, _ proxy: ProxyProcess) {
    guard error == 0 else {
      lastError = error
      close(server)
      server = -1
      return connectNext(proxy)
    }
    report(.connected, proxy)
    if let head {
      down = Flow(head.body == nil ? HTTPAnswer.connected : [])
      up = Flow(head.forwarded, left: head.body)
    } else {
      down = Flow(Socks.Reply.connected.bytes)
      up = Flow()
    }
    enter(.relaying, proxy)
    // A second request behind the first one is dropped: its agent sends it again on another connection.
    up.add(input)
    input = []
    deadline = proxy.now + Self.idleTime
    relay(proxy)
  }

  // MARK: Relaying

  /// Whether the whole request has been passed on; only the end of the agent's output may follow.
  private var expectsEnd: Bool { head?.body != nil && up.isOver && !hasOutputEnded }

  private func relay(_ proxy: ProxyProcess) {
    if expectsEnd, hasAnotherRequest(proxy) { return finish([], proxy) }
    guard up.move(from: client, to: server, &proxy.buffer) == .fine,
      down.move(from: server, to: client, &proxy.buffer) == .fine
    else { return end(proxy) }
    if up.isMoving || down.isMoving { deadline = proxy.now + Self.idleTime }
    // Most likely it has closed the connection, whose other half the destination may keep.
    if hasOutputEnded { deadline = min(deadline, proxy.now + Self.halfTime) }
    guard down.isOver else { return }
    if head?.body != nil { finish([], proxy) } else if up.isOver { end(proxy) }
  }

  /// An agent that sends a second request has read the whole answer to the first one, whatever the server does. Its
  /// request may be for another host, so it has to connect again.
  private func hasAnotherRequest(_ proxy: ProxyProcess) -> Bool {
    // SAFETY: the buffer has that room.
    let count = unsafe openstarry_receive_bytes(client, &proxy.buffer, proxy.buffer.count)
    if count < 0 { return openstarry_errno() != EAGAIN }
    if count == 0 { hasOutputEnded = true }
    for byte in proxy.buffer[..<count] where byte != 0x0D && byte != 0x0A { return true }
    return false
  }

  // MARK: End

  private func report(_ outcome: ProxyOutcome, _ proxy: ProxyProcess) {
    var report = ProxyReport(outcome)
    if let destination {
      report.host = destination.hostText
      report.port = destination.port
      if case .name = destination.host, let address { report.address = address.text }
    }
    if outcome == .unreachable { report.errno = lastError }
    proxy.report(report, of: agent)
  }

  private func fail(_ outcome: ProxyOutcome, _ proxy: ProxyProcess) {
    report(outcome, proxy)
    guard let destination else { return end(proxy) }
    let reply: Socks.Reply =
      switch outcome {
      case .notListed, .notPublic: .forbidden
      case .noSuchName: .hostUnreachable
      case .timedOut: .expired
      case .unreachable where lastError == ECONNREFUSED: .refused
      case .unreachable where lastError == ENETUNREACH: .networkUnreachable
      case .unreachable where lastError == EHOSTUNREACH: .hostUnreachable
      default: .failure
      }
    answer(HTTPAnswer(outcome, destination, address), reply, proxy)
  }

  private func answer(_ http: HTTPAnswer, _ socks: Socks.Reply, _ proxy: ProxyProcess) {
    finish(speech == .http ? http.bytes : socks.bytes, proxy)
  }

  /// Sends the last bytes and lets the agent read them.
  private func finish(_ bytes: [UInt8], _ proxy: ProxyProcess) {
    guard bytes.isEmpty || send(bytes) else { return end(proxy) }
    if server >= 0 { close(server) }
    server = -1
    openstarry_end_output(client)
    enter(.draining, proxy)
    deadline = proxy.now + Self.drainTime
  }

  private func drain(_ proxy: ProxyProcess) {
    // SAFETY: the buffer has that room.
    let count = unsafe openstarry_receive_bytes(client, &proxy.buffer, proxy.buffer.count)
    if count == 0 || count < 0 && openstarry_errno() != EAGAIN { end(proxy) }
  }

  /// Sends a few bytes, for which the buffer of a new connection has room.
  private func send(_ bytes: [UInt8]) -> Bool {
    // SAFETY: the array is valid for its count.
    unsafe openstarry_send_bytes(client, bytes, bytes.count) == bytes.count
  }
}
