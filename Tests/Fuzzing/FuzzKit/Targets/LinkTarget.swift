import Agent
import AgentProcess
import Document
import EventLoop
import Linux
import Model
import RPC
import TestKit
import Wire

/// What an agent in a process of its own sends the daemon on descriptor 3: requests, answers, and anything else. Every
/// request is answered once, the agent's outputs are free when it has gone, and an emergency stop still works.
package final class LinkTarget: FuzzTarget {
  package let name = "link"
  package let longest = 12_000
  private let folder: String
  private let requests = RequestMaker(methods: AgentMethods.table.all.map { .map($0.fields) })

  /// - Parameter folder: for the home folders of successive daemons.
  package init(folder: String) { self.folder = "\(folder)/link" }

  package var words: [String] { RequestMaker.words + ["ready", "abi", "snapshot", "activate", "jpeg", "grey"] }

  private static let manifest = Manifest(
    id: "guest", name: "Guest", runtime: .init(driver: .process, entry: "guest", lifecycle: .always),
    permissions: .all, subscribe: [EventPattern("probe:*")])

  package func seeds() -> [[UInt8]] {
    let answers = [
      #"{"jsonrpc":"2.0","id":1,"result":{}}"#, #"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}"#,
      #"{"jsonrpc":"2.0","id":1,"result":{"snapshot":{"count":1}}}"#, #"{"jsonrpc":"2.0","method":"ready"}"#,
    ]
    return (requests.plain + answers).map { Array($0.utf8) } + [Array(requests.plain.joined(separator: "\n").utf8)]
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return nil
    case 1: return requests.mutate(pool.any(&random), &random)
    default:
      var lines = requests.make(&random)
      if Bool.random(using: &random) {
        let id = Int.random(in: 0...4, using: &random)
        lines += Array("\n{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":{}}".utf8)
      }
      return lines
    }
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    TemporaryFolder.remove(folder)
    try Files.makeFolder(folder)
    let driver = LinkDriver()
    let daemon = try TestDaemon(
      board: FuzzBoard.board, manifests: [FuzzBoard.probe, Self.manifest], drivers: [driver], home: folder)
    driver.loop = daemon.loop.real
    daemon.start()
    try daemon.listen()
    let result = Swift.Result { try converse(daemon, driver, input) }
    driver.close()
    // End the daemon after a failure, too, so that it does not affect the next one.
    try daemon.end()
    seen = try result.get()
  }

  private func converse(_ daemon: TestDaemon, _ driver: LinkDriver, _ input: [UInt8]) throws -> Seen {
    guard let agent = driver.agent else { throw Violation("the agent is not started") }
    agent.send(Array(#"{"jsonrpc":"2.0","method":"ready","params":{"abi":1}}"#.utf8), daemon)
    for (index, line) in input.split(separator: 10).enumerated() {
      // An event now and then, so that answers meet a question.
      if index % 3 == 0 { daemon.log.publish("probe:go", from: "client/root", ["value": .int(Int64(index))]) }
      agent.send(Array(line), daemon)
      daemon.loop.pass(.milliseconds(10), step: .milliseconds(10))
    }
    for _ in 0..<20 { agent.turn(daemon) }
    var seen = Seen()
    try agent.check(&seen)
    agent.hangUp()
    daemon.loop.pass(.milliseconds(100), step: .milliseconds(10))
    for device in daemon.hardware.devices() where device.kind == "actuator" {
      try require(device.holder != "agent/guest", "\(device.id) is held by an agent that has gone")
    }
    seen.note("\(try daemon.agents.agentStatus("guest").lastExit.map(\.rawValue) ?? "-")")
    try ControlTarget.stop(daemon)
    return seen
  }
}

/// Starts agents whose other end is the target's.
private final class LinkDriver: AgentDriver {
  let isolation = Isolation(.process, entry: "nothing")
  var loop: EventLoop?
  private var agents: [LinkAgent] = []
  private var instances: [LinkInstance] = []

  /// The first instance; those that follow a failure are silent.
  var agent: LinkAgent? { agents.first }

  func validate(_ manifest: Manifest) {}

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Swift.Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    do {
      guard let loop else { throw SystemError("find", "the loop", errno: 2) }
      let (ours, theirs) = try UnixSocket.pair()
      try System.setNonBlocking(ours)
      try System.setNonBlocking(theirs)
      let instance = LinkInstance(AgentLink(Descriptor(owning: ours), on: loop, host: host), ended)
      try instance.link.start()
      instances.append(instance)
      agents.append(LinkAgent(Descriptor(owning: theirs)))
      done(.success(instance))
    } catch {
      done(.failure(AgentFailure(.startFailed, "\(error)")))
    }
  }

  func close() {
    for agent in agents { agent.hangUp() }
    for instance in instances { instance.link.close() }
  }
}

private final class LinkInstance: AgentInstance {
  let link: AgentLink
  let pid: Int32? = nil

  init(_ link: AgentLink, _ ended: @escaping (AgentEnd) -> Void) {
    self.link = link
    link.onEnd = { end in
      switch end {
      case .closed: ended(AgentEnd(AgentFailure(.protocolViolation, "it closed descriptor 3")))
      case .broken(let sentence): ended(AgentEnd(AgentFailure(.protocolViolation, "it \(sentence)")))
      }
    }
  }

  func activate(_ event: Event, _ done: @escaping (Swift.Result<Void, AgentFailure>) -> Void) {
    link.call("activate", ["event": .map(event.fields)]) { result in
      switch result {
      case .success: done(.success(()))
      case .failure(.refused(let error)): done(.failure(AgentFailure(.error, error.message)))
      case .failure: break
      }
    }
  }

  func snapshot(_ done: @escaping (Value) -> Void) {
    link.call("snapshot") { result in done((try? result.get())?.result["snapshot"] ?? .map([:])) }
  }

  func stop(now: Bool, _ done: @escaping () -> Void) {
    link.close()
    done()
  }
}

/// The agent's end of the connection.
private final class LinkAgent {
  private var socket: Descriptor?
  private var receiver = Receiver()
  private var book = AnswerBook()
  private var hasEnded = false

  init(_ socket: consuming Descriptor) { self.socket = consume socket }

  func hangUp() { socket = nil }

  func send(_ line: [UInt8], _ daemon: TestDaemon) {
    guard !hasEnded else { return }
    book.sent(line[...], notifications: ["ready"], takesResponses: true)
    var rest = (line + [10])[...]
    while !rest.isEmpty, !hasEnded, let number = socket?.number {
      do throws(SystemError) { rest = rest.dropFirst(try UnixSocket.send(number, rest)) } catch {
        // The other side has closed, or reads no more for now.
        if error.errno != 11 { hasEnded = true }
      }
      turn(daemon)
    }
  }

  func turn(_ daemon: TestDaemon) {
    daemon.loop.turn(wait: false)
    while !hasEnded, let number = socket?.number {
      do throws(SystemError) {
        guard let line = try receiver.nextLine(from: number) else {
          hasEnded = true
          return
        }
        book.received(line)
      } catch {
        if error.errno != 11 { hasEnded = true }
        return
      }
    }
  }

  func check(_ seen: inout Seen) throws {
    try book.checkForm(&seen)
    for method in book.messages.compactMap({ $0["method"]?.string }) { seen.note(method) }
    // A broken connection owes nothing any more.
    if hasEnded { seen.note("ended") } else { try book.checkCount() }
  }
}
