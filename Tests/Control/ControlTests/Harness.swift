import Agent
import Document
import EventLoop
import Glibc
import HAL
import HALSimulated
import Linux
import Model
import Projection
import RPC
import RuleTestKit
import Rules
import TestKit
import Testing
import Wire

@testable import Control

/// A server on a socket in a temporary folder, with a simulated board, on a loop that tests turn.
final class Harness {
  let loop: EventLoop
  let clock = ManualClock()
  let folder: TemporaryFolder
  let settings: Settings
  let events: TestEvents
  let agents: TestAgents
  let rules = OneRule()
  let models = ModelsDouble()
  let shadows: ShadowsDouble
  let daemon: DaemonDouble
  let registry: RegistryDouble
  let simulation: SimulatedBackend
  let hardware: Hardware
  let server: ControlServer

  static let board = Board(
    name: "test", backend: .simulated,
    devices: [
      Device(id: "temperature", kind: .sensor(SensorSettings(unit: "°C", onDemand: true)), driver: "simulated"),
      Device(
        id: "fan", kind: .actuator(ActuatorSettings(lease: .seconds(60))), driver: "simulated",
        options: ["analogue": true]),
      Device(id: "lamp", kind: .actuator(ActuatorSettings(minOff: .seconds(10))), driver: "simulated"),
      Device(id: "pump", kind: .actuator(ActuatorSettings(maxOn: .seconds(20))), driver: "simulated"),
      Device(
        id: "cam0",
        kind: .camera(CameraSettings(format: FrameFormat(pixels: .grey, width: 64, height: 48, rate: 10))),
        driver: "simulated"),
    ])

  init(
    limits: Limits = Limits(), role: Role = .admin, simulated: Bool = true, board: Board = Harness.board,
    _ change: (inout Settings) -> Void = { _ in }
  ) throws {
    loop = try EventLoop()
    folder = try TemporaryFolder()
    var settings = Settings(board: "board.yaml", home: folder.path, socket: "\(folder.path)/control.sock")
    change(&settings)
    self.settings = settings
    events = TestEvents(clock)
    shadows = ShadowsDouble(clock)
    agents = TestAgents(events)
    simulation = SimulatedBackend(board: board, clock: clock, seed: 1) { frame, done in
      done(.success([0xFF, 0xD8] + frame.bytes.prefix(100) + [0xFF, 0xD9]))
    }
    hardware = Hardware(board: board, backend: simulation, clock: clock, events: events)
    daemon = DaemonDouble(hardware)
    registry = RegistryDouble(agents)
    hardware.open()
    server = ControlServer(
      loop: loop, settings: settings,
      services: Services(
        daemon: daemon, registry: registry, agents: agents, events: events, sink: events, rules: rules,
        hardware: hardware, simulation: simulated ? simulation : nil, models: models, shadows: shadows,
        projection: Projection(
          agents: agents, hardware: hardware, rules: rules, events: events, clock: clock
        ) { [daemon] in daemon.boardBudgets }), time: clock, limits: limits)
    server.grant = { _, _ in role }
    try server.start()
  }

  deinit { server.stop() }

  /// Turns the loop until `done` returns true; records an issue if it never does.
  func turn(until done: () throws -> Bool) rethrows {
    for _ in 0..<20_000 {
      if try done() { return }
      loop.turn(wait: false)
    }
    Issue.record("what was waited for did not happen")
  }

  /// Turns the loop until it is idle.
  func settle() { for _ in 0..<50 { loop.turn(wait: false) } }

  func connect() throws -> TestClient { try TestClient(self) }

  /// Connects a client whose user the server takes to be `uid`.
  func connect(as uid: UInt32, role: Role = .operate) throws -> TestClient {
    server.peer = { (try? Peer(of: $0)).map { Peer(pid: $0.pid, uid: uid, groups: $0.groups) } }
    server.grant = { _, _ in role }
    let client = try TestClient(self)
    settle()
    return client
  }
}

/// A non-blocking client, which turns the server's loop while it waits.
final class TestClient {
  private let harness: Harness
  private var socket: Descriptor?
  private var receiver = Receiver()

  init(_ harness: Harness) throws {
    self.harness = harness
    let socket = try UnixSocket.connect(harness.settings.socket)
    try System.setNonBlocking(socket.number)
    self.socket = consume socket
  }

  var number: Int32 { socket?.number ?? -1 }

  func close() {
    // A program that another test is starting may briefly hold a copy of the socket. Shut it down, so that the server
    // sees the end at once.
    shutdown(number, Int32(SHUT_RDWR))
    socket = nil
  }

  /// Ends the sending direction (shutdown(2)).
  func shutDown() { shutdown(number, Int32(SHUT_WR)) }

  /// Sends raw bytes, as many as the socket accepts; returns their number.
  @discardableResult
  func send(_ bytes: some Collection<UInt8>) throws -> Int { try UnixSocket.send(number, Array(bytes)[...]) }

  func send(_ line: String) throws { try send(Array((line + "\n").utf8)) }

  /// The next line.
  /// - Returns: nil when the server has closed the connection.
  func next() throws -> Fields? {
    var found: Fields?
    harness.turn {
      do throws(SystemError) {
        guard let line = try receiver.nextLine(from: number) else { return true }
        found = (try? JSON.decode(line))?.map
        return true
      } catch {
        if error.errno == EAGAIN { return false }
        if error.errno == ECONNRESET { return true }
        Issue.record("\(error)")
        return true
      }
    }
    return found
  }

  /// The contents of the file that was sent with the last line; nil for none.
  func file() throws -> [UInt8]? {
    guard let descriptor = receiver.takeDescriptor() else { return nil }
    return try MemoryFile.read(descriptor)
  }

  /// Calls a method with a JSON-RPC request.
  func call(_ method: String, _ params: Fields = [:]) throws -> Result<Value, RPCError> {
    try send(Request(id: .number(1), method: method, params: params).encoded())
    while true {
      let fields = try #require(try next(), "the server closed the connection")
      guard fields["id"]?.int == 1 else { continue }
      if let error = fields["error"] { return .failure(try #require(RPCError(error))) }
      return .success(try #require(fields["result"]))
    }
  }

  /// The error of a call; nil if it succeeds.
  func refusal(_ method: String, _ params: Fields = [:]) throws -> RPCError? {
    if case .failure(let error) = try call(method, params) { error } else { nil }
  }

  /// Waits for `count` notifications of `method`.
  func notifications(_ method: String, _ count: Int) throws -> [Fields] {
    var found: [Fields] = []
    while found.count < count {
      let fields = try #require(try next(), "the server closed the connection")
      if fields["method"]?.string == method, let params = fields["params"]?.map { found.append(params) }
    }
    return found
  }
}
